import ArgumentParser
import ColdStart
import Linux
import OCI
import Project
import Slim

/// What proving that a slim image works takes, whichever command it is part of.
struct ProofArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Run a command in both images (no shell), whose end and output must be the same. May be repeated.",
            valueName: "command"))
    var exec: [String] = []
    @Flag(
        inversion: .prefixedNo,
        help: "Keep the files that the original opens while it is asked.")
    var observe = true

    /// The commands by their words.
    func commands() throws -> [[String]] {
        try exec.map { text in
            guard case .exec(let words) = try Probe(parsing: "exec:\(text)") else {
                throw Failure("'\(text)' is not a command", status: .usage)
            }
            return words
        }
    }
}

/// How `thaw slim` starts both images.
struct SlimBootArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Ask both images and compare: http:PORT/PATH, tcp:PORT, exec:COMMAND (no shell) or log:REGEX. May be repeated.",
            valueName: "probe"))
    var probe: [String] = []
    @Option(help: "With --probe or --exec: auto (the default), kvm, qemu or container.") var engine: String?
    @Option(help: ArgumentHelp("What a microVM boots: debian, small or a file.", valueName: "kernel"))
    var kernel: String?
    @Option(help: ArgumentHelp("The guest's memory; 512MiB if not given.", valueName: "size")) var memory: String?
    @Option(help: "The guest's processors; one if not given.") var cpus: Int?
    @Option(help: ArgumentHelp("The processes and threads of the image, such as 100 (container).", valueName: "count"))
    var pids: Int?
    @Option(help: ArgumentHelp("A variable for the program; may be repeated.", valueName: "name=value")) var env:
        [String] = []
    @Option(help: ArgumentHelp("How long an answer may take; 60s if not given.", valueName: "time"))
    var timeout: String?

    /// How to prove it, where that is asked for.
    func proof(_ arguments: ProofArguments, in store: Store) throws -> Proof? {
        let commands = try arguments.commands()
        guard !probe.isEmpty || !commands.isEmpty else {
            let limits: [Any?] = [memory, cpus, pids, timeout]
            guard engine == nil, kernel == nil, limits.allSatisfy({ $0 == nil }), env.isEmpty else {
                throw Failure(
                    "nothing is started", remedy: "say by --probe or --exec what is to be asked", status: .usage)
            }
            return nil
        }
        var options = BootOptions()
        (options.engine, options.kernel, options.memory, options.timeout) = (engine, kernel, memory, timeout)
        (options.env, options.runs, options.probe) = (
            env, nil, probe.first ?? arguments.exec.first.map { "exec:\($0)" }
        )
        (options.deterministic, options.cpus, options.pids, options.console) = (false, cpus, pids, nil)
        let job = try BootJob(options, nil)
        return Proof(
            job: job, store: store,
            interview: Interview(
                probes: try probe.map { try Probe(parsing: $0) }, commands: commands, observes: arguments.observe))
    }
}

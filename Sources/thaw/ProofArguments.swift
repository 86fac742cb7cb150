import ArgumentParser
import ColdStart
import Jobs
import Linux
import OCI
import Probe
import Project

/// The options for proving that a slim image works, shared by several commands.
struct ProofArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Run a command in both images (no shell); its exit status and output must be the same. Can be repeated.",
            valueName: "command"))
    var exec: [String] = []
    @Flag(
        inversion: .prefixedNo,
        help: "Keep the files that the original opens while it is probed.")
    var observe = true

    /// Returns the commands.
    func commands() throws -> [ProbeAction] { try exec.map { try ProbeAction(parsing: "exec:\($0)") } }
}

/// The options with which `thaw slim` starts both images.
struct SlimBootArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Probe both images and compare the results: http:PORT/PATH, tcp:PORT, exec:COMMAND (no shell) or log:REGEX. \
            Can be repeated.
            """, valueName: "probe"))
    var probe: [String] = []
    @Option(help: "Engine: auto, kvm (own microVM), qemu (QEMU's microVM) or container (no boot). (default: auto)")
    var engine: String?
    @Option(
        help: ArgumentHelp(
            "Guest kernel: debian, small (from 'make kernel') or a file. (default: debian)", valueName: "kernel"))
    var kernel: String?
    @Option(help: ArgumentHelp("Memory limit. (default: 512MiB)", valueName: "size")) var memory: String?
    @Option(help: ArgumentHelp("Number of CPUs. (default: 1)", valueName: "count")) var cpus: Int?
    @Option(help: ArgumentHelp("Limit of processes and threads, such as 100 (container).", valueName: "count"))
    var pids: Int?
    @Option(
        help: ArgumentHelp("Set an environment variable of the program. Can be repeated.", valueName: "name=value"))
    var env: [String] = []
    @Option(help: ArgumentHelp("Time limit for each probe to pass. (default: 60s)", valueName: "time"))
    var timeout: String?

    /// Returns the proof that the options request; nil without `--probe` and `--exec`.
    func proof(_ arguments: ProofArguments, in store: Store) throws -> ProofRunner? {
        let commands = try arguments.commands()
        guard !probe.isEmpty || !commands.isEmpty else {
            let limits: [Any?] = [memory, cpus, pids, timeout]
            guard engine == nil, kernel == nil, limits.allSatisfy({ $0 == nil }), env.isEmpty else {
                throw Failure(
                    "the images are not started without --probe or --exec", remedy: "add --probe or --exec",
                    status: .usage)
            }
            return nil
        }
        var start = try BootOptions.start(engine: engine, kernel: kernel, memory: memory, timeout: timeout)
        (start.cpus, start.processLimit, start.environment) = (cpus, pids, env)
        let probes = try probe.map { try ProbeAction(parsing: $0) }
        start.probe = probes.first ?? commands.first
        let job = try BootJob(start, nil, host: TerminalHost())
        return ProofRunner(
            job: job, store: store,
            probeSet: ProbeSet(
                probes: probes, commands: commands,
                recordsOpenedFiles: arguments.observe))
    }
}

import ArgumentParser
import Jobs
import TTY

/// The options of the machine or container that an image is started in, shared by all commands that start images.
struct StartArguments: ParsableArguments {
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

    /// Returns the values of the options.
    func start() throws -> StartOptions {
        try StartOptions(
            engine: engine, kernel: kernel, memory: memory, cpus: cpus, processes: pids, environment: env,
            timeout: timeout)
    }
}

/// The options for starting an image and measuring the start, shared by several commands.
struct BootOptions: ParsableArguments {
    @OptionGroup var machine: StartArguments
    @Option(
        help: ArgumentHelp(
            """
            Probe of readiness: http:PORT/PATH or http://HOST:PORT/PATH, tcp:PORT, exec:COMMAND (no shell), log:REGEX or \
            healthcheck. Further ones must pass after it. (default: the image's HEALTHCHECK, else EXPOSE)
            """, valueName: "probe"))
    var probe: [String] = []
    @Option(help: ArgumentHelp("Number of starts. (default: 1)", valueName: "count")) var runs: Int?
    @Option(
        help: ArgumentHelp(
            "Time for all starts, such as 60s: as many starts as it allows, unless --runs limits them.",
            valueName: "time"))
    var budget: String?
    @Flag(help: "Count instructions instead of measuring time: the same result on every machine (qemu).")
    var deterministic = false
    @Option(help: ArgumentHelp("Write the console of the last start to a file.", valueName: "file"))
    var console: String?

    /// Returns the values of the options.
    func start() throws -> StartOptions {
        var start = try machine.start()
        try start.add(probes: probe)
        start.programVersion = Version.text
        (start.runs, start.isDeterministic, start.console) = (runs, deterministic, console)
        try start.set(budget: budget)
        return start
    }
}

import ArgumentParser
import Jobs

/// The limits of a RUN under the names of `docker build`.
///
/// Commands that start images use these names for the limits of those; there `--resource` limits RUN.
struct StepLimitArguments: ParsableArguments {
    @Option(
        name: [.customShort("m"), .long],
        help: ArgumentHelp("Memory limit of each RUN, such as 512m; a step that exceeds it fails.", valueName: "size"))
    var memory: String?

    @Option(
        help: ArgumentHelp(
            "Swap limit equal to memory plus swap, such as 1g; -1 to enable unlimited swap. Needs --memory.",
            valueName: "size"))
    var memorySwap: String?

    @Option(help: ArgumentHelp("Number of CPUs of each RUN, such as 1.5, of which it sees 2.", valueName: "count"))
    var cpus: String?

    @Option(
        name: [.long, .customLong("pids-limit")],
        help: ArgumentHelp("Limit of processes and threads of each RUN; -1 for unlimited.", valueName: "count"))
    var pids: String?

    @Option(
        help: ArgumentHelp(
            "Limit CPU CFS (Completely Fair Scheduler) quota, such as 50000 for half a CPU.", valueName: "microseconds")
    )
    var cpuQuota: String?

    @Option(help: ArgumentHelp("Limit CPU CFS period. (default: 100000)", valueName: "microseconds"))
    var cpuPeriod: String?

    @Option(
        name: [.customShort("c"), .long],
        help: ArgumentHelp("CPU shares (relative weight), such as 512. (default: 1024)", valueName: "weight"))
    var cpuShares: String?

    @Option(help: ArgumentHelp("CPUs in which to allow execution, such as 0-1,3.", valueName: "list"))
    var cpusetCpus: String?

    @Option(help: ArgumentHelp("Memory nodes (MEMs) in which to allow execution, such as 0.", valueName: "list"))
    var cpusetMems: String?

    @Option(help: ArgumentHelp("Time limit of each RUN, such as 10m; the command is then killed.", valueName: "time"))
    var timeout: String?

    /// The values of the options.
    var limits: KeyValuePairs<RunLimit, String?> {
        [
            .memory: memory, .memorySwap: memorySwap, .cpus: cpus, .pids: pids, .cpuQuota: cpuQuota,
            .cpuPeriod: cpuPeriod, .cpuShares: cpuShares, .cpusetCPUs: cpusetCpus, .cpusetMemories: cpusetMems,
            .timeout: timeout,
        ]
    }
}

import ArgumentParser
import Build
import Jobs
import Linux
import Project
import Sandbox

/// The limits of RUN under the names of `docker build`, for `thaw build`.
///
/// Other commands use these names for the limits of started images; there `--resource` limits RUN.
struct LimitArguments: ParsableArguments {
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

    @Option(help: ArgumentHelp("Time limit of the whole build, such as 1h.", valueName: "time"))
    var buildTimeout: String?

    /// Adds the limits to a request.
    func apply(to request: inout BuildRequest) throws {
        let settings = [
            ("memory", memory), ("memory-swap", memorySwap), ("cpus", cpus), ("pids", pids), ("cpu-quota", cpuQuota),
            ("cpu-period", cpuPeriod), ("cpu-shares", cpuShares), ("cpuset-cpus", cpusetCpus),
            ("cpuset-mems", cpusetMems), ("timeout", timeout),
        ]
        for case (let name, let value?) in settings {
            guard let setting = RunLimit(rawValue: name) else { preconditionFailure("each option is a limit") }
            try setting.apply(value, from: "--\(name)", to: &request.run)
        }
        request.timeout = try buildTimeout.map { try RunLimit.time($0, "--build-timeout") }
        try RunLimit.expectConsistent(request.run)
    }
}

/// A limit of RUN; the raw value is the name of its option and of its field in `--resource`.
enum RunLimit: String, CaseIterable {
    case memory
    case memorySwap = "memory-swap"
    case cpus
    case pids
    case cpuQuota = "cpu-quota"
    case cpuPeriod = "cpu-period"
    case cpuShares = "cpu-shares"
    case cpusetCPUs = "cpuset-cpus"
    case cpusetMemories = "cpuset-mems"
    case timeout

    /// Parses `text` and sets the limit; `option` is the option's name in errors.
    func apply(_ text: String, from option: String, to options: inout BuildRequest.RunOptions) throws {
        switch self {
        case .memory: options.memoryLimit = try Self.memory(text, option)
        case .memorySwap: options.swapLimit = text == "-1" ? .unlimited : .total(try size(text, option))
        case .cpus: options.cpuCount = try Self.count(text, option)
        case .pids:
            options.processLimit = text == "-1" ? nil : try Self.number(text, option, 1...4_194_304)
            options.isProcessLimitRequested = true
        case .cpuQuota:
            let least = CPULimits.leastQuota
            options.cpus.quota = text == "-1" ? nil : try Self.number(text, option, least...Int(Int32.max))
        case .cpuPeriod: options.cpus.period = try Self.number(text, option, CPULimits.periods)
        case .cpuShares: options.cpus.shares = try Self.number(text, option, 2...262_144)
        case .cpusetCPUs: options.cpus.set = try Self.set(text, option)
        case .cpusetMemories: options.cpus.memoryNodes = try Self.set(text, option)
        case .timeout: options.timeout = try Self.time(text, option)
        }
    }

    /// Expects that related limits are consistent.
    static func expectConsistent(_ options: BuildRequest.RunOptions) throws {
        if options.cpuCount != nil, options.cpus.quota != nil {
            throw Failure("--cpus and --cpu-quota exclude each other", status: .usage)
        }
        guard let swap = options.swapLimit else { return }
        guard let memory = options.memoryLimit else { throw Failure("--memory-swap needs --memory", status: .usage) }
        if case .total(let total) = swap, total < memory {
            throw Failure("--memory-swap is less than --memory, which it includes", status: .usage)
        }
    }

    /// Parses a time such as `10m`.
    static func time(_ text: String, _ option: String) throws -> Duration {
        guard let time = Duration(human: text), time > .zero else {
            throw Failure("\(option) '\(text)' is not a time such as 90s or 10m", status: .usage)
        }
        return time
    }

    /// Parses a size of memory in bytes; returns nil for 0, which is no limit, as in Docker.
    private static func memory(_ text: String, _ option: String) throws -> Int64? {
        let bytes = try size(text, option)
        guard bytes == 0 || bytes >= 6 << 20 else {
            throw Failure("\(option) '\(text)' is too small: the minimum is 6m", status: .usage)
        }
        return bytes == 0 ? nil : bytes
    }

    private static func count(_ text: String, _ option: String) throws -> Double {
        guard let count = Double(text), (0.01...8192).contains(count) else {
            throw Failure("\(option) '\(text)' is not a number of CPUs such as 1 or 1.5", status: .usage)
        }
        return count
    }

    private static func number(_ text: String, _ option: String, _ range: ClosedRange<Int>) throws -> Int {
        guard let number = Int(text), range.contains(number) else {
            throw Failure(
                "\(option) '\(text)' is not a number from \(range.lowerBound) to \(range.upperBound)", status: .usage)
        }
        return number
    }

    private static func set(_ text: String, _ option: String) throws -> CPUSet {
        guard let set = CPUSet(text) else {
            throw Failure("\(option) '\(text)' is not a list such as 0-3,5", status: .usage)
        }
        return set
    }
}

public import Build
internal import Linux
internal import Sandbox

/// A limit of RUN; the raw value is the name of its option and of its field in `--resource`.
public enum RunLimit: String, CaseIterable, Sendable {
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
    public func apply(_ text: String, from option: String, to options: inout BuildRequest.RunOptions) throws {
        switch self {
        case .memory: options.memoryLimit = try Self.memory(text, option)
        case .memorySwap: options.swapLimit = text == "-1" ? .unlimited : .total(try size(text, option))
        case .cpus: options.cpuCount = try Self.count(text, option)
        case .pids:
            options.processLimit = text == "-1" ? nil : try Self.number(text, option: option, in: 1...4_194_304)
            options.isProcessLimitRequested = true
        case .cpuQuota:
            let least = CPULimits.leastQuota
            options.cpus.quota = text == "-1" ? nil : try Self.number(text, option: option, in: least...Int(Int32.max))
        case .cpuPeriod: options.cpus.period = try Self.number(text, option: option, in: CPULimits.periods)
        case .cpuShares: options.cpus.shares = try Self.number(text, option: option, in: 2...262_144)
        case .cpusetCPUs: options.cpus.set = try Self.set(text, option)
        case .cpusetMemories: options.cpus.memoryNodes = try Self.set(text, option)
        case .timeout: options.timeout = try Self.time(text, option)
        }
    }

    /// Adds the limits that have a value, and expects that related limits are consistent.
    public static func apply(
        _ limits: KeyValuePairs<RunLimit, String?>, to options: inout BuildRequest.RunOptions
    ) throws {
        for case (let limit, let value?) in limits {
            try limit.apply(value, from: "--\(limit.rawValue)", to: &options)
        }
        try expectConsistent(options)
    }

    /// Expects that related limits are consistent.
    public static func expectConsistent(_ options: BuildRequest.RunOptions) throws {
        if options.cpuCount != nil, options.cpus.quota != nil {
            throw Failure("--cpus and --cpu-quota exclude each other", status: .usage)
        }
        guard let swap = options.swapLimit else { return }
        guard let memory = options.memoryLimit else { throw Failure("--memory-swap needs --memory", status: .usage) }
        if case .total(let total) = swap, total < memory {
            throw Failure("--memory-swap is less than --memory, which it includes", status: .usage)
        }
    }

    /// Adds a limit of the form `NAME=VALUE` to the options of RUN.
    public static func apply(resource: String, to options: inout BuildRequest.RunOptions) throws {
        let parts = resource.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2, let limit = RunLimit(rawValue: parts[0]) else {
            let names = allCases.map(\.rawValue).joined(separator: ", ")
            throw Failure("--resource '\(resource)' is not NAME=VALUE with one of the names \(names)", status: .usage)
        }
        try limit.apply(parts[1], from: "--resource \(parts[0])", to: &options)
    }

    /// Parses a time such as `10m`.
    public static func time(_ text: String, _ option: String) throws -> Duration {
        guard let time = Duration(human: text), time > .zero else {
            throw Failure("\(option) '\(text)' is not a time such as 90s or 10m", status: .usage)
        }
        return time
    }

    /// Parses a time of waiting, which may be zero and is at most an hour.
    public static func wait(_ text: String, _ option: String) throws -> Duration {
        guard ["0", "0s"].contains(text) || (try? time(text, option)).map({ $0 <= .seconds(3_600) }) == true else {
            throw Failure("\(option) '\(text)' is not a time such as 5s, at most 1h", status: .usage)
        }
        return ["0", "0s"].contains(text) ? .zero : try time(text, option)
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

    private static func number(_ text: String, option: String, in range: ClosedRange<Int>) throws -> Int {
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

/// Parses a size such as `64m`, `1.5g` or `65536`, in bytes.
public func size(_ text: String, _ option: String) throws -> Int64 {
    let units: [Character: Double] = ["b": 1, "k": 1024, "m": 1_048_576, "g": 1_073_741_824, "t": 1_099_511_627_776]
    var digits = text.lowercased()[...]
    if digits.hasSuffix("ib") || digits.hasSuffix("b"), digits.count > 1 {
        digits = digits.dropLast(digits.hasSuffix("ib") ? 2 : 1)
    }
    let unit = digits.last.flatMap { units[$0] }
    if unit != nil { digits = digits.dropLast() }
    guard let number = Double(digits), number >= 0, let bytes = Int64(exactly: (number * (unit ?? 1)).rounded()) else {
        throw Failure("\(option) '\(text)' is not a size such as 64m or 2g", status: .usage)
    }
    return bytes
}

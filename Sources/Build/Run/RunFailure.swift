public import Linux
public import Sandbox

/// A RUN that failed.
public struct RunFailure: Sendable {
    /// The command in one line.
    public let command: String
    /// The way in which it ended.
    public let end: RunEnd
    /// The last lines of its output.
    public let output: [String]
    /// The reason why it had no network, although it did not ask for none.
    public let networkObstacle: NetworkObstacle?

    /// What to do about it, as far as that is known.
    public var remedy: String? {
        networkObstacle.map { "this step had no network: \($0); \(RunNetwork.remedy($0))" }
    }
}

/// The end of a command of RUN.
public enum RunEnd: Sendable, Hashable, CustomStringConvertible {
    /// By itself or by a signal.
    case ended(ExitStatus)
    /// The kernel killed processes of it at its limit of memory.
    case outOfMemory(ExitStatus, limit: MemorySize?)
    /// It was killed after this time.
    case timedOut(Duration)

    /// The end of a command that its time did not end.
    init(_ status: ExitStatus, ranOutOfMemory: Bool, limit: Int64?) {
        guard !status.isSuccess, ranOutOfMemory else {
            self = .ended(status)
            return
        }
        self = .outOfMemory(status, limit: limit.map { MemorySize($0) })
    }

    /// True if the step has a result.
    var isSuccess: Bool { self == .ended(.exited(0)) }

    /// A part of a sentence.
    public var description: String {
        switch self {
        case .ended(let status): "\(status)"
        case .outOfMemory(let status, let limit):
            "RUN ran out of memory" + (limit.map { " (limit \($0))" } ?? "") + ": it \(status)"
        case .timedOut(let limit): "RUN did not end within \(limit.short)"
        }
    }
}

extension Duration {
    /// The time as options have it: `1h30m`, `10m`, `1.5s`.
    var short: String {
        let milliseconds = components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
        let (minutes, rest) = milliseconds.quotientAndRemainder(dividingBy: 60_000)
        var parts = [(minutes / 60, "h"), (minutes % 60, "m")].filter { $0.0 > 0 }.map { "\($0.0)\($0.1)" }
        if rest > 0 || parts.isEmpty {
            parts.append(rest % 1000 == 0 ? "\(rest / 1000)s" : "\(Double(rest) / 1000)s")
        }
        return parts.joined()
    }
}

public import Linux
public import Sandbox

/// A RUN that failed.
public struct RunFailure: Sendable {
    /// The command in one line.
    public let command: String
    /// The end of the command.
    public let end: RunEnd
    /// The last lines of its output.
    public let output: [String]
    /// The reason for which it had no network, although it requested one.
    public let networkUnavailable: NetworkUnavailable?

    /// The remedy; nil if none is known.
    public var remedy: String? {
        networkUnavailable.map { "this step had no network: \($0); \(RunNetwork.remedy($0))" }
    }
}

/// The end of a command of RUN.
public enum RunEnd: Sendable, Hashable, CustomStringConvertible {
    /// It exited, or a signal ended it.
    case ended(ExitStatus)
    /// The kernel killed processes of it because they reached the memory limit.
    case outOfMemory(ExitStatus, limit: MemorySize?)
    /// It was killed after this time.
    case timedOut(Duration)

    /// The end of a command that didn't time out.
    init(_ status: ExitStatus, ranOutOfMemory: Bool, limit: Int64?) {
        guard !status.isSuccess, ranOutOfMemory else {
            self = .ended(status)
            return
        }
        self = .outOfMemory(status, limit: limit.map { MemorySize($0) })
    }

    /// True if the step has a result.
    var isSuccess: Bool { self == .ended(.exited(0)) }

    /// The words that follow the command in a message.
    public var description: String {
        switch self {
        case .ended(let status): "\(status)"
        case .outOfMemory(let status, let limit):
            "RUN ran out of memory" + (limit.map { " (limit \($0))" } ?? "") + ": it \(status)"
        case .timedOut(let limit): "RUN did not end within \(limit.optionText)"
        }
    }
}

/// An error with a remedy and a kind, which decides the exit status of a command.
///
/// The description is one sentence. The remedy stands beside the error's cases, in their module.
public protocol ReportableError: Error, CustomStringConvertible {
    /// The remedy in a few words; nil if none is known.
    var remedy: String? { get }

    /// The kind of the failure.
    var kind: FailureKind { get }
}

/// The kinds of failures, by the caller's reaction.
public enum FailureKind: Sendable, Hashable {
    /// The request or a configuration file is wrong.
    case usage
    /// The work failed.
    case work
    /// A gate, such as a budget, does not hold.
    case gate
    /// The machine lacks something.
    case machine
    /// The work was interrupted.
    case interrupted
}

extension ReportableError {
    /// No remedy is known.
    public var remedy: String? { nil }

    /// The work failed.
    public var kind: FailureKind { .work }
}

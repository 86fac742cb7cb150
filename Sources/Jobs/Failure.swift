internal import ColdStart
public import Linux
public import OCI
public import Probe
public import Registry

/// The exit statuses of all commands.
public enum CommandStatus: Int32, Sendable {
    /// The work is done.
    case done = 0
    /// The work failed.
    case failed = 1
    /// A gate does not hold.
    case gateBroken = 2
    /// Something could not be measured, or the machine lacks something.
    case unmeasurable = 3
    /// Wrong usage or configuration.
    case usage = 64
    /// A signal stopped the work.
    case interrupted = 130

    /// The status of a kind of failure.
    public init(_ kind: FailureKind) {
        switch kind {
        case .usage: self = .usage
        case .work: self = .failed
        case .gate: self = .gateBroken
        case .machine: self = .unmeasurable
        case .interrupted: self = .interrupted
        }
    }
}

/// The report of a failed job: one sentence, a remedy if there is one, and the exit status.
public struct Failure: Error, Sendable, Equatable {
    /// The sentence.
    public let message: String
    /// The remedy, which may have several lines.
    public let remedy: String?
    /// The exit status.
    public let status: CommandStatus

    /// Makes a report of these parts.
    public init(_ message: String, remedy: String? = nil, status: CommandStatus = .failed) {
        self.message = message
        self.remedy = remedy
        self.status = status
    }

    /// Converts any error of the libraries to a report.
    public init(_ error: any Error) {
        switch error {
        case let failure as Failure: self = failure
        case let error as any ReportableError:
            self.init("\(error)", remedy: error.remedy, status: CommandStatus(error.kind))
        case is CancellationError: self.init("interrupted", status: .interrupted)
        default: self.init("\(error)")
        }
    }

    /// The report for a name that neither the store nor its registry has.
    public init(missing name: Reference, in store: OCIError, _ error: RegistryError) {
        if case .blocked = error {
            self.init(store)
        } else {
            self.init("\(store), and thaw \(error)", remedy: error.remedy)
        }
    }

    /// The report of a failed start, with the last lines of its console if there is more than one.
    ///
    /// - Parameter console: The path of the file that has the whole console; nil if it was not written.
    init(_ error: ColdStartError, lastLines: [String], console: String?) {
        let plain = Failure(error)
        var hints = plain.remedy.map { [$0] } ?? []
        if lastLines.count > 1 { hints += ["the last lines of the console:"] + lastLines.map { "  \($0)" } }
        if let console { hints.append("the whole console is in '\(console)'") }
        self.init(
            plain.message, remedy: hints.isEmpty ? nil : hints.joined(separator: "\n"), status: plain.status)
    }
}

extension ProbeError: ReportableError {
    /// A probe with a syntax error is wrong usage.
    public var kind: FailureKind { .usage }
}

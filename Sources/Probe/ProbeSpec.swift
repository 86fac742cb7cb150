/// A check of a program: a request, a connection, a command, or a line of its output.
///
/// Strings are bytes, because init shares this type, and neither the image nor the kernel guarantees UTF-8.
public enum ProbeAction: Equatable, Sendable {
    /// A request on the loopback address, whose response has a status and a body that pass.
    case http(HTTPProbe)
    /// A connection on the loopback address that is accepted.
    case tcp(port: UInt16)
    /// A command in the image, run without a shell, that ends with status 0.
    case exec([[UInt8]])
    /// A regular expression, in the syntax of `LinePattern`, that matches within a line of the program's output.
    case log([UInt8])

    /// True if a probe with this outcome has passed.
    public func accepts(_ outcome: ProbeResult.Outcome) -> Bool {
        if case .http(let probe) = self, case .http(let status, _) = outcome { return probe.accepts(status) }
        return outcome.passes
    }

    /// True if the host matches it against the program's output, so that init has nothing to try.
    public var isPattern: Bool { if case .log = self { true } else { false } }
}

/// One probe or command of a run.
public struct ProbeSpec: Equatable, Sendable {
    /// The probe to run.
    public var action: ProbeAction
    /// True if it is repeated for a while until it passes; a command may end in any way.
    public var mustPass: Bool
    /// The timeout of each attempt.
    public var timeoutMilliseconds: UInt32

    /// A probe of a run.
    public init(_ action: ProbeAction, mustPass: Bool, timeoutMilliseconds: UInt32) {
        self.action = action
        self.mustPass = mustPass
        self.timeoutMilliseconds = timeoutMilliseconds
    }
}

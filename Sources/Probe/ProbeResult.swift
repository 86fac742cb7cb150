/// The result of one probe.
public struct ProbeResult: Equatable, Sendable {
    /// The kind of the result.
    public enum Outcome: Equatable, Sendable {
        /// An HTTP response, also one that does not pass, with the size of its body.
        case http(status: UInt16, byteCount: UInt64)
        /// A connection was accepted.
        case connected
        /// A command ended.
        case ended(ProcessEnd)
        /// A line of the output matched.
        case matched
        /// An HTTP response whose status passes, but whose body lacks the text that it must contain.
        case lacksText(status: UInt16)
        /// A connection was accepted, and no byte of a response came within the attempt's time.
        case silent
        /// The header of an HTTP response did not end within the attempt's time.
        case unfinishedHead
        /// The body of an HTTP response did not end within the attempt's time.
        case unfinishedBody(status: UInt16, byteCount: UInt64)
        /// Nothing listens on the port.
        case refused
        /// The connection closed, or failed, before the response was complete.
        case broken
        /// There was no response before the timeout.
        case timedOut
        /// The command could not be started, with the kernel's errno.
        case notStarted(UInt32)
    }

    /// The end of a process in the guest.
    public enum ProcessEnd: Equatable, Sendable {
        /// With an exit status.
        case status(UInt8)
        /// By a signal.
        case signal(UInt8)
    }

    /// The kind of the result.
    public var outcome: Outcome
    /// The status line and header fields of an HTTP response, a line each.
    public var head: [UInt8]
    /// The body of an HTTP response, or a command's stdout.
    public var body: StreamDigest
    /// A command's stderr.
    public var stderr: StreamDigest

    /// A result; without an outcome it did not arrive in time.
    public init(
        _ outcome: Outcome = .timedOut, head: [UInt8] = [], body: StreamDigest = StreamDigest(),
        stderr: StreamDigest = StreamDigest()
    ) {
        self.outcome = outcome
        self.head = head
        self.body = body
        self.stderr = stderr
    }
}

extension ProbeResult.Outcome {
    /// True if a probe with this outcome has passed.
    public var passes: Bool {
        switch self {
        case .http(let status, _): ProbeResult.Outcome.isSuccess(status)
        case .connected, .matched, .ended(.status(0)): true
        default: false
        }
    }

    /// True if a command ended in any way; one that can't be run, or doesn't end, proves nothing.
    public var isEnded: Bool { if case .ended = self { true } else { false } }

    /// True if an HTTP response with this status passes.
    public static func isSuccess(_ status: UInt16) -> Bool { status >= 200 && status < 400 }
}

/// The results of all probes of one run.
public struct ProbeResults: Sendable, Equatable {
    /// The results: of the probes, then of the commands, in order.
    public var results: [ProbeResult]
    /// The TCP ports with a listener afterwards, sorted.
    public var listeningPorts: [UInt16]
    /// The program's end if it came before the last probe: the words after its name in a sentence.
    public var earlyExit: String?
    /// The opened files.
    public var openedFiles: OpenedFiles
}

/// The result of one probe.
public struct ProbeResult: Sendable, Equatable {
    /// The kind of the result.
    public enum Outcome: Sendable, Equatable {
        /// An HTTP response.
        case http(status: Int)
        /// A connection was accepted.
        case connected
        /// A command exited with a status.
        case exited(Int)
        /// A command was killed by a signal.
        case killed(Int)
        /// A line of the output matched.
        case matched
        /// Nothing listens on the port.
        case refused
        /// The connection closed before the response was complete.
        case broken
        /// There was no response before the timeout.
        case timedOut
        /// The command can't be run, for a reason in words.
        case notStarted(reason: String)
    }

    /// A stream of bytes, of which only the beginning is stored.
    public struct StreamDigest: Sendable, Equatable {
        /// The first bytes, at most 64 KiB.
        public var prefix: [UInt8] = []
        /// The number of all bytes.
        public var byteCount: UInt64 = 0
        /// The SHA-256 of all bytes, 32 bytes.
        public var digest: [UInt8] = []
    }

    /// The kind of the result.
    public var outcome = Outcome.timedOut
    /// The status line and header fields of an HTTP response, a line each.
    public var head: [UInt8] = []
    /// The body of an HTTP response, or a command's stdout.
    public var body: StreamDigest?
    /// A command's stderr.
    public var stderr: StreamDigest?

    /// True if a command ended in any way; one that can't be run, or doesn't end, proves nothing.
    public var isEnded: Bool {
        switch outcome {
        case .exited, .killed: true
        default: false
        }
    }

    /// True if a probe with this result has passed.
    public var passes: Bool {
        switch outcome {
        case .http(let status): (200..<400).contains(status)
        case .connected, .exited(0), .matched: true
        default: false
        }
    }
}

/// The files of an image that were opened while it ran.
public enum OpenedFiles: Sendable, Equatable {
    /// No files were observed.
    case notRecorded
    /// Files can't be observed here, for a reason that ends a sentence.
    case unavailable(reason: String)
    /// The paths, sorted; incomplete if there were too many.
    case paths([[UInt8]], isComplete: Bool)
}

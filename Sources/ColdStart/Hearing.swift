/// What an interview came to.
public struct Hearing: Sendable, Equatable {
    /// The answers: to the probes, then to the commands, in their order.
    public var answers: [Heard]
    /// The TCP ports on which somebody listened afterwards, sorted.
    public var ports: [UInt16]
    /// How the program ended before the interview did, if so: what follows its name in a sentence.
    public var ending: String?
    /// Which files were opened.
    public var observation: Observed
}

/// One answer.
public struct Heard: Sendable, Equatable {
    /// How it was answered.
    public enum Outcome: Sendable, Equatable {
        /// By HTTP.
        case http(status: Int)
        /// A connection was accepted.
        case connected
        /// A command ended with a status.
        case exited(Int)
        /// A command was killed by a signal.
        case killed(Int)
        /// A line of the output matched.
        case matched
        /// Nobody listens.
        case refused
        /// The connection closed before a whole answer came.
        case broken
        /// Nothing came within the time.
        case silent
        /// The command cannot be run, for a reason in words.
        case unstarted(reason: String)
    }

    /// A stream of bytes, of which only the beginning is here.
    public struct Content: Sendable, Equatable {
        /// The first bytes, at most 64 KiB.
        public var beginning: [UInt8] = []
        /// How many there were.
        public var byteCount: UInt64 = 0
        /// The SHA-256 of all, 32 bytes.
        public var digest: [UInt8] = []
    }

    /// How it ended.
    public var outcome = Outcome.silent
    /// The status line and header of an HTTP answer, a line each.
    public var head: [UInt8] = []
    /// The body of an HTTP answer, or what a command wrote to its standard output.
    public var body: Content?
    /// What a command wrote to its standard error.
    public var errors: Content?

    /// Whether a command ended, in whichever way: one that cannot be run, or does not end, proves nothing.
    public var isEnded: Bool {
        switch outcome {
        case .exited, .killed: true
        default: false
        }
    }

    /// Whether a probe that came to this has passed.
    public var passes: Bool {
        switch outcome {
        case .http(let status): (200..<400).contains(status)
        case .connected, .exited(0), .matched: true
        default: false
        }
    }
}

/// The files of an image that were opened while it ran.
public enum Observed: Sendable, Equatable {
    /// Nobody looked.
    case unwatched
    /// Nobody can look here, for a reason that ends a sentence.
    case blind(reason: String)
    /// These, sorted; not all of them where there were too many.
    case paths([[UInt8]], isComplete: Bool)
}

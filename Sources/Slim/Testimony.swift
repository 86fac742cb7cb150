public import OCI

/// The results of one start of an image: its probe results and its opened files.
public struct Testimony: Sendable, Equatable {
    /// The probe results, in the order of the probes.
    public var statements: [Statement]
    /// The reason that there are none, if the image does not serve.
    public var failure: String?
    /// The files that were opened meanwhile.
    public var observation: Observation
    /// The name of the engine that started it.
    public var engine: String

    /// The opened files, as far as they are known.
    public enum Observation: Sendable, Equatable {
        /// They were not recorded.
        case none
        /// They cannot be recorded, for a reason in words.
        case impossible(String)
        /// The opened files' paths; incomplete if there were too many.
        case files([[UInt8]], isComplete: Bool)

        /// The recorded paths.
        public var paths: [[UInt8]] { if case .files(let paths, _) = self { paths } else { [] } }
    }

    public init(
        statements: [Statement], failure: String? = nil, observation: Observation = .none, engine: String = ""
    ) {
        self.engine = engine
        self.statements = statements
        self.failure = failure
        self.observation = observation
    }

    /// The first probe that the image fails.
    public var objection: String? {
        failure ?? statements.first { !$0.passes }.map { "\($0.question): \($0.summary)" }
    }
}

/// A runner that starts images in the same way every time, runs all probes, and stops them.
public protocol ImageRunner: Sendable {
    /// Starts an image from its unchanged files.
    ///
    /// - Parameter isObserving: True to record the opened files.
    /// - Throws: Only errors that the image did not cause.
    func run(_ image: Image, isObserving: Bool) async throws -> Testimony
}

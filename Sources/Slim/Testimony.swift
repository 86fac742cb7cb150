public import OCI

/// All that a start of an image gave away of what it does.
public struct Testimony: Sendable, Equatable {
    /// The answers, in the order of the questions.
    public var statements: [Statement]
    /// Why there are none: the image does not serve.
    public var failure: String?
    /// Which files were opened meanwhile.
    public var observation: Observation
    /// What started it, in a word.
    public var engine: String

    /// What is known of the files that were opened.
    public enum Observation: Sendable, Equatable {
        /// Nobody looked.
        case none
        /// Nobody could, for a reason in words.
        case impossible(String)
        /// These, by paths; not all where there were too many.
        case files([[UInt8]], isComplete: Bool)

        /// The paths.
        public var paths: [[UInt8]] { if case .files(let paths, _) = self { paths } else { [] } }
    }

    /// A testimony.
    public init(
        statements: [Statement], failure: String? = nil, observation: Observation = .none, engine: String = ""
    ) {
        self.engine = engine
        self.statements = statements
        self.failure = failure
        self.observation = observation
    }

    /// The first question that the image does not answer as it should.
    public var objection: String? {
        failure ?? statements.first { !$0.passes }.map { "\($0.question): \($0.summary)" }
    }
}

/// Starts images, the same way every time, asks them everything that is to be asked, and ends them.
public protocol ImageRunner: Sendable {
    /// Starts an image from its untouched files.
    ///
    /// - Parameter isObserving: whether the files that are opened are of interest.
    /// - Throws: only what is no fault of the image.
    func run(_ image: Image, isObserving: Bool) async throws -> Testimony
}

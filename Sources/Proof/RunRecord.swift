public import OCI

/// The results of one start of an image: its probe results and its opened files.
public struct RunRecord: Sendable, Equatable {
    /// The probe results, in the order of the probes.
    public var probes: [ProbeRecord]
    /// The reason that there are none, if the image does not serve.
    public var failure: String?
    /// The files that were opened meanwhile.
    public var openedFiles: OpenedFiles
    /// The name of the engine that started it.
    public var engine: String

    /// The opened files, as far as they are known.
    public enum OpenedFiles: Sendable, Equatable {
        /// They were not recorded.
        case none
        /// They cannot be recorded, for a reason in words.
        case unavailable(String)
        /// The opened files' paths; incomplete if there were too many.
        case files([[UInt8]], isComplete: Bool)

        /// The recorded paths.
        public var paths: [[UInt8]] { if case .files(let paths, _) = self { paths } else { [] } }
    }

    public init(
        probes: [ProbeRecord], failure: String? = nil, openedFiles: OpenedFiles = .none, engine: String = ""
    ) {
        self.engine = engine
        self.probes = probes
        self.failure = failure
        self.openedFiles = openedFiles
    }

    /// The first probe that the image fails.
    public var failureReason: String? {
        failure ?? probes.first { !$0.passes }.map { "\($0.probe): \($0.summary)" }
    }
}

/// A runner that starts images in the same way every time, runs all probes, and stops them.
public protocol ImageRunner: Sendable {
    /// Starts an image from its unchanged files.
    ///
    /// - Parameter isObserving: True to record the opened files.
    /// - Throws: Only errors that the image did not cause.
    func run(_ image: Image, recordsOpenedFiles: Bool) async throws -> RunRecord
}

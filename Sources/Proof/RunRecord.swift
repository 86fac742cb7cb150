public import Probe

/// The comparable results of one start of an image: its probe results and its opened files.
public struct RunRecord: Sendable, Equatable {
    /// The probe results, in the order of the probes.
    public var probes: [ProbeRecord]
    /// The reason that there are none, if the image does not serve.
    public var failure: String?
    /// The files that were opened meanwhile.
    public var openedFiles: OpenedFiles
    /// The names that were looked up in vain, as far as they are recorded.
    public var missedNames: [[UInt8]] = []
    /// The name of the engine that started it.
    public var engine: String

    /// A record; an image that does not serve has a failure instead of results.
    public init(
        probes: [ProbeRecord], failure: String? = nil, openedFiles: OpenedFiles = .notRecorded, engine: String = ""
    ) {
        self.engine = engine
        self.probes = probes
        self.failure = failure
        self.openedFiles = openedFiles
    }

    /// The results of a set of probes, and the program's state after them.
    ///
    /// - Parameters:
    ///   - results: the engine's results; `nil` if it ran no probes.
    ///   - probeSet: the probes that it ran.
    ///   - engine: the engine's name.
    public init(_ results: ProbeResults?, of probeSet: ProbeSet, on engine: String) {
        guard let results else {
            self.init(probes: [], failure: "the image was not probed")
            return
        }
        var records = zip(probeSet.actions, results.results).enumerated().map { place, pair in
            ProbeRecord(pair.1, of: "\(pair.0)", passes: probeSet.accepts(pair.1, at: place))
        }
        if probeSet.readinessProbe != nil { records.append(ProbeRecord(stateAfter: results)) }
        if let output = ProbeRecord(outputOf: results) { records.append(output) }
        self.init(probes: records, openedFiles: results.openedFiles, engine: engine)
    }

    /// Returns the record without processes of these names.
    public func without(_ processes: Set<String>) -> RunRecord {
        var record = self
        record.probes = probes.map { $0.without(processes) }
        return record
    }

    /// The first probe that the image fails.
    public var failureReason: String? {
        failure ?? probes.first { !$0.passes }.map { "\($0.probe): \($0.summary)" }
    }
}

/// A runner that starts images in the same way every time, runs all probes, and stops them.
public protocol ImageRunner<Image>: Sendable {
    /// The images that it starts.
    associatedtype Image: Sendable

    /// Starts an image from its unchanged files.
    ///
    /// - Parameter recordsOpenedFiles: True to record the opened files.
    /// - Throws: Only errors that the image did not cause.
    func run(_ image: Image, recordsOpenedFiles: Bool) async throws -> RunRecord
}

extension ImageRunner {
    /// Returns the results of an original, to which others are compared.
    ///
    /// - Throws: ``ProofError/notServing(_:)`` if a probe does not pass, since a comparison would prove nothing.
    public func record(of original: Image, recordsOpenedFiles: Bool) async throws -> RunRecord {
        let record = try await run(original, recordsOpenedFiles: recordsOpenedFiles)
        if let reason = record.failureReason { throw ProofError.notServing(reason) }
        return record
    }
}

/// The reason that two images cannot be compared.
public enum ProofError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The original image fails its probes.
    case notServing(String)

    /// The error in one sentence.
    public var description: String {
        switch self {
        case .notServing(let reason): "the original image fails its probe: \(reason)"
        }
    }
}

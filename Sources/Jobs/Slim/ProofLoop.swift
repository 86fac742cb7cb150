public import ImageFiles
internal import Linux
public import OCI
internal import Probe
public import Proof
public import Slim

/// A round of a proof that failed: the files that were put back after it.
public struct ProofRound: Sendable, Equatable {
    /// The first difference.
    public let difference: String
    /// The files of the original that were put back.
    public let restored: [ImagePath]

    /// The round as a line.
    func text(number: Int) -> String {
        let names = restored.prefix(3).map(\.description).joined(separator: ", ")
        return
            "round \(number): \(difference); put back \(restored.count == 1 ? "" : "\(restored.count) files, such as ")"
            + names
    }

    var json: JSON {
        .object(["difference": .string(difference), "restored": .strings(restored.map(\.description))])
    }
}

extension SlimJob {
    /// Returns the last plan and its image: proven by `proof`, or written once without it.
    public func finished(
        of original: Image, in store: Store, by proof: ProofRunner?, _ traces: Traces?, observes: Bool,
        _ options: ([[UInt8]]) throws -> SlimOptions
    ) async throws -> (job: SlimJob, result: SlimResult) {
        guard let proof, let traces else {
            if let unchanged = unchanged() { return (self, unchanged) }
            return (self, try await write(to: store))
        }
        let loop = ProofLoop(of: original, plan.contents, in: store, observes: observes)
        return try await loop.run(traces, by: { proof.knowing($0) }, options: options)
    }
}

/// Slims an image and compares it, and puts back what the slim image missed, until nothing is left to put back.
public struct ProofLoop: Sendable {
    /// The limit of rounds; each needs a start of both images.
    private static let roundLimit = 5

    let original: Image
    let files: ImageFiles
    let store: Store
    let observes: Bool
    let search: TextSearch?

    /// Makes the loop of an original and its files.
    ///
    /// - Parameters:
    ///   - observes: True if files that further starts of the original open are put back.
    ///   - search: A search in the text of the slim image's files, for a report on it.
    public init(of original: Image, _ files: ImageFiles, in store: Store, observes: Bool, search: TextSearch? = nil) {
        self.original = original
        self.files = files
        self.store = store
        self.observes = observes
        self.search = search
    }

    /// Returns the last plan and its image with the verification, which may have failed.
    ///
    /// - Parameters:
    ///   - traces: The starts of the original.
    ///   - runner: Returns a runner for images whose files were read.
    ///   - options: Returns the options of slimming for the opened files.
    public func run(
        _ traces: Traces, by runner: ([ImageFiles]) -> any ImageRunner<Image>,
        options: ([[UInt8]]) throws -> SlimOptions
    ) async throws -> (job: SlimJob, result: SlimJob.SlimResult) {
        var traces = traces
        var rounds: [ProofRound] = []
        while true {
            let job = try SlimJob(files, options: options(traces.openedFiles))
            if let unchanged = job.unchanged() { return (job, unchanged) }
            var result = try await job.write(to: store, search: search)
            let runner = runner([files, result.files])
            let verification = try await Verification(
                result.image, against: traces.record, again: traces.again, of: original, by: runner)
            result.rounds = rounds
            result.verification = verification
            guard let difference = verification.difference, observes, rounds.count < Self.roundLimit else {
                return (job, result)
            }
            let further = try await runner.run(original, recordsOpenedFiles: true)
            let missed = job.plan.droppedPaths(of: traces.add(further.openedFiles.paths + verification.missedNames))
            guard !missed.isEmpty else { return (job, result) }
            rounds.append(ProofRound(difference: difference, restored: missed))
        }
    }
}

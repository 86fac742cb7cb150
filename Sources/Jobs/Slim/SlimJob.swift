public import ImageFiles
public import Linux
public import OCI
public import Proof
public import Slim

/// The plan of a slim image, and the image that follows from it.
public struct SlimJob: Sendable {
    /// The plan: the kept and dropped paths with the reasons.
    public let plan: SlimPlan

    /// Plans the slim form of an image.
    public init(_ files: ImageFiles, options: SlimOptions) throws { plan = try SlimPlan(files, options: options) }

    /// The slim image, its JSON document and its verification.
    public struct SlimResult: Sendable {
        /// The files of the image, whose blobs are in the store.
        public internal(set) var files: ImageFiles
        /// True if the image was slim already, so that nothing was written.
        public let isUnchanged: Bool
        /// The document of `thaw slim --format json`.
        public var document: JSON
        /// The comparison of its probe results with those of the original; nil without probes.
        public var verification: Verification? {
            didSet {
                var json = verification?.json ?? Verification.withoutProbes
                if verification != nil { json["rounds"] = .array(rounds.map(\.json)) }
                document["verification"] = json
            }
        }

        /// The rounds of the proof that failed, with what was put back after each.
        public var rounds: [ProofRound] = []

        /// The slim image.
        public var image: Image { files.image }
    }

    /// Returns the image itself if it is slim already; nil if there is something to drop.
    public func unchanged() -> SlimResult? {
        guard plan.changesNothing else { return nil }
        return result(plan.contents, isUnchanged: true)
    }

    /// Writes the slim image and checks its invariants against the original.
    ///
    /// - Parameter search: A search in the text of its files, for a report on it.
    public func write(to store: Store, search: TextSearch? = nil) async throws -> SlimResult {
        let image = try await plan.contents.image.slimmed(by: plan, into: store)
        let after = try await ImageFiles(of: image, search: search)
        let violations = Invariants.check(after, against: plan.contents, rewritten: plan.rewritten)
        guard violations.isEmpty else { throw SlimError.notSame(violations) }
        return result(after, isUnchanged: false)
    }

    private func result(_ after: ImageFiles, isUnchanged: Bool) -> SlimResult {
        var document = plan.document(after: after)
        document["verification"] = Verification.withoutProbes
        document["alreadySlim"] = .bool(isUnchanged)
        return SlimResult(files: after, isUnchanged: isUnchanged, document: document)
    }
}

extension Verification {
    /// Throws if any probe result differs.
    public func require() throws {
        guard let difference else { return }
        throw Failure(
            "the slim image differs from the original: \(difference)",
            remedy: "keep the missing files with --include or --keep; no image was stored")
    }

    /// The probes and their results, for people.
    var text: String {
        (["verified: probe results on the engine \(engine)"]
            + checks.map { check in
                let doubts = check.unstable.isEmpty ? "" : "; unstable: \(check.unstable.joined(separator: ", "))"
                return "  \(check.passed ? "same" : "DIFFERENT")  \(check.probe): \(check.before)\(doubts)"
            }).joined(separator: "\n")
    }
}

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
        public let files: ImageFiles
        /// The document of `thaw slim --format json`.
        public var document: JSON
        /// The comparison of its probe results with those of the original; nil without probes.
        public var verification: Verification? {
            didSet { document["verification"] = verification?.json ?? Verification.withoutProbes }
        }

        /// The slim image.
        public var image: Image { files.image }
    }

    /// Writes the slim image and checks its invariants against the original.
    ///
    /// - Parameter search: A search in the text of its files, for a report on it.
    public func write(to store: Store, search: TextSearch? = nil) async throws -> SlimResult {
        let image = try await plan.contents.image.slimmed(by: plan, into: store)
        let after = try await ImageFiles(of: image, search: search)
        let violations = Invariants.check(after, against: plan.contents, rewritten: plan.rewritten)
        guard violations.isEmpty else { throw SlimError.notSame(violations) }
        var document = plan.document(after: after)
        document["verification"] = Verification.withoutProbes
        return SlimResult(files: after, document: document)
    }

    /// Returns the reasons for which the path is kept, or a sentence that it is dropped.
    public func explanation(of path: String) throws -> String {
        guard let path = try? ImagePath(path) else { throw Failure("'\(path)' is not a path", status: .usage) }
        return plan.explain(path)?.joined(separator: "\n") ?? "\(path) is dropped: nothing needs it"
    }

    /// Returns the text of `thaw slim --format text`.
    public func text(_ result: SlimResult) -> String {
        let before = ByteCount(plan.contents.image.compressedSize)
        let after = ByteCount(result.image.compressedSize)
        var lines = [
            "\(before) -> \(after) compressed, \(plan.keep.count) paths kept, \(plan.droppedCount) dropped", "",
            "kept because of",
        ]
        for (reason, count) in plan.reasonCounts.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
            lines.append("  \(reason): \(count)")
        }
        lines += ["", "removed"]
        for directory in plan.removed.prefix(12) {
            let files = directory.count == 1 ? "1 file" : "\(directory.count) files"
            lines.append("  \(directory.path)  \(files), \(ByteCount(directory.bytes))")
        }
        if !plan.missing.isEmpty {
            lines += ["", "libraries that the original lacks"] + plan.missing.prefix(10).map { "  \($0)" }
        }
        if let verification = result.verification { lines += ["", verification.text] }
        lines += ["", "\(result.image.descriptor.digest)"]
        return lines.joined(separator: "\n")
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
        (["probe results"]
            + checks.map { check in
                let doubts = check.unstable.isEmpty ? "" : "; unstable: \(check.unstable.joined(separator: ", "))"
                return "  \(check.passed ? "same" : "DIFFERENT")  \(check.probe): \(check.before)\(doubts)"
            }).joined(separator: "\n")
    }
}

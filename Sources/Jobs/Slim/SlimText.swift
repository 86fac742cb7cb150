internal import ImageFiles
public import Linux
internal import OCI
public import Slim

extension SlimJob {
    /// Returns the text of `thaw slim --format text`.
    public func text(_ result: SlimResult) -> String {
        if result.isUnchanged { return "already slim\n\n\(result.image.manifest.config.digest)" }
        let before = ByteCount(plan.contents.image.compressedSize)
        let after = ByteCount(result.image.compressedSize)
        let sizes = "\(before) -> \(after) compressed, \(plan.keep.count) paths kept, \(plan.droppedCount) dropped"
        let parts = [
            [sizes], ["kept because of"] + reasons, ["removed"] + removals, missing, proof(result),
            ["\(result.image.manifest.config.digest)"],
        ]
        return parts.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }.joined(separator: "\n\n")
    }

    private var reasons: [String] {
        plan.reasonCounts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "  \($0.key): \($0.value)" }
    }

    private var removals: [String] {
        plan.removed.prefix(12).map { directory in
            let files = directory.count == 1 ? "1 file" : "\(directory.count) files"
            return "  \(directory.path)  \(files), \(ByteCount(directory.bytes))"
        }
    }

    private var missing: [String] {
        plan.missing.isEmpty ? [] : ["libraries that the original lacks"] + plan.missing.prefix(10).map { "  \($0)" }
    }

    private func proof(_ result: SlimResult) -> [String] {
        if let verification = result.verification {
            return [verification.text] + result.rounds.enumerated().map { "  \($1.text(number: $0 + 1))" }
        }
        guard plan.level == .safe else { return ["unproven: the images were not compared"] }
        let more = plan.levelBytes
        return ["unproven: no probe was run; level safe drops only files that no program reads"]
            + (more > 0 ? ["  level closure would drop \(ByteCount(more)) more, unpacked: add --probe or --exec"] : [])
    }
}

extension SlimJob {
    /// The decisions about the paths that a user asks for.
    public struct Explanation: Sendable {
        /// The decisions.
        public let paths: [PathExplanation]
        /// The path or pattern.
        public let subject: String

        /// The decisions for people, each path as a block.
        public var text: String {
            paths.isEmpty ? "\(subject) is not in the image" : paths.map(\.text).joined(separator: "\n\n")
        }

        /// The document of `thaw slim --explain --format json`.
        public var document: JSON {
            .document("slimExplanation", ["subject": .string(subject), "paths": .array(paths.map(\.json))])
        }
    }

    /// Returns the decisions about a path, or about all paths that a pattern with `*`, `?` or `[` matches.
    public func explanation(of subject: String) throws -> Explanation {
        if subject.contains(where: { "*?[".contains($0) }) {
            let pattern = try ImagePathPattern(subject)
            return Explanation(paths: plan.explanations(matching: pattern), subject: subject)
        }
        guard let path = try? ImagePath(subject) else { throw Failure("'\(subject)' is not a path", status: .usage) }
        return Explanation(paths: plan.explanation(of: path).map { [$0] } ?? [], subject: path.description)
    }
}

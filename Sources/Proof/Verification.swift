public import Linux
internal import Probe

/// The comparison of a slim image with the original, by their probe results.
public struct Verification: Sendable, Equatable {
    /// One probe and both results.
    public struct ProbeComparison: Sendable, Equatable {
        /// The probe.
        public let probe: String
        /// The original's result, in a few words.
        public let before: String
        /// The slim image's result; nil if it did not serve.
        public let after: String?
        /// The differences.
        public let differences: [Difference]
        /// Fields that vary between starts of the original, so that they prove nothing.
        public let unstable: [String]

        /// True if all differences are of names or lines.
        var differsInSets: Bool { after != nil && differences.allSatisfy(\.isOfSet) }

        /// True if both results are the same.
        public var passed: Bool { after != nil && differences.isEmpty }
    }

    /// The engine that started both.
    public let engine: String
    /// The probes, in their order.
    public let checks: [ProbeComparison]
    /// The reason that the slim image does not serve, if so.
    public let failure: String?
    /// The names that the slim image looked up in vain.
    public let missedNames: [[UInt8]]
    /// The number of the image's files that the original opened; nil if they were not recorded.
    public let observedCount: Int?

    /// True if there were probes and no result differs.
    public var passed: Bool { failure == nil && !checks.isEmpty && checks.allSatisfy(\.passed) }

    /// The first difference in one sentence.
    public var difference: String? {
        if let failure { return failure }
        if checks.isEmpty { return "there was no probe" }
        guard let check = checks.first(where: { !$0.passed }) else { return nil }
        return "\(check.probe): \(check.differences.first?.description ?? "no result")"
    }

    /// Compares two starts.
    ///
    /// - Parameters:
    ///   - again: A second start of the original; fields that differ there vary by themselves and are not counted.
    ///   - afterAgain: A second start of the slim image, for names and lines that come by chance.
    public init(_ before: RunRecord, _ after: RunRecord, again: RunRecord? = nil, afterAgain: RunRecord? = nil) {
        engine = before.engine
        failure = after.failure
        missedNames = after.missedNames
        observedCount = if case .recorded(let paths, _) = before.openedFiles { paths.count } else { nil }
        checks = before.probes.enumerated().map { index, probe in
            func other(_ record: RunRecord?) -> ProbeRecord? {
                record.flatMap { $0.probes.indices.contains(index) ? $0.probes[index] : nil }
            }
            return ProbeComparison(probe, other(after), again: other(again), afterAgain: other(afterAgain))
        }
    }

    /// Starts the slim image, and the original once more if the results differ.
    ///
    /// The slim image is started once more too if only names or lines differ.
    public init<Runner: ImageRunner>(
        _ slim: Runner.Image, against record: RunRecord, again known: RunRecord? = nil, of original: Runner.Image,
        by runner: Runner
    ) async throws {
        let after = try await runner.run(slim, recordsOpenedFiles: false)
        self.init(record, after, again: known)
        guard !passed, after.failure == nil else { return }
        let again: RunRecord
        if let known { again = known } else { again = try await runner.run(original, recordsOpenedFiles: false) }
        self.init(record, after, again: again)
        guard !passed, checks.allSatisfy(\.differsInSets) else { return }
        self.init(record, after, again: again, afterAgain: try await runner.run(slim, recordsOpenedFiles: false))
    }
}

extension Verification.ProbeComparison {
    init(_ before: ProbeRecord, _ after: ProbeRecord?, again: ProbeRecord?, afterAgain: ProbeRecord? = nil) {
        probe = before.probe
        self.before = before.summary
        self.after = after?.summary
        var (differences, unstable): ([Difference], [String]) = ([], [])
        // An original that sometimes fails is no excuse for a slim image that fails.
        let isWorse = after.map { before.passes && !$0.passes } ?? false
        if let after, after.kind != before.kind, isWorse || again?.kind != after.kind {
            differences = [Difference("answer", before: .text(before.summary), after: .text(after.summary))]
            (self.differences, self.unstable) = (differences, [])
            return
        }
        for name in Self.names(before, after) {
            if let sets = Self.sets(of: name, [before, again], [after, afterAgain]) {
                differences += sets.differences(name)
                if sets.isUnstable, sets.differences(name).isEmpty { unstable.append(name) }
                continue
            }
            let (old, new) = (before.value(of: name), after?.value(of: name))
            if old == new || after == nil { continue }
            switch isWorse ? nil : again.map({ Stability(old, $0.value(of: name)) }) {
            case .unstable(let mask)?
            where Self.isExcused(name, new: new, again: again?.value(of: name)) && mask.covers(old, new):
                unstable.append(name)
            default: differences.append(Difference(name, before: old, after: new))
            }
        }
        (self.differences, self.unstable) = (differences, unstable)
    }

    /// Returns the comparison of a field that is a set; nil for another.
    ///
    /// A start without the set, because the output was too long, has nothing to compare.
    private static func sets(
        of name: String, _ before: [ProbeRecord?], _ after: [ProbeRecord?]
    ) -> SetComparison? {
        func sets(_ records: [ProbeRecord?]) -> [Set<String>] {
            records.compactMap { if case .set(let names)? = $0?.value(of: name) { names } else { nil } }
        }
        let comparison = SetComparison(before: sets(before), after: sets(after))
        return comparison.before.isEmpty && comparison.after.isEmpty ? nil : comparison
    }

    /// Fields with a verdict, which have no varying words.
    ///
    /// Only the value of the original's second start excuses a difference in them.
    private static let verdicts: Set<String> = ["status", "ending", "answer", "state"]

    private static func isExcused(_ name: String, new: ProbeRecord.Value?, again: ProbeRecord.Value?) -> Bool {
        !verdicts.contains(name) || new == again
    }

    private static func names(_ before: ProbeRecord, _ after: ProbeRecord?) -> [String] {
        let names = before.fields.map(\.name)
        return names + (after?.fields.map(\.name).filter { !names.contains($0) } ?? [])
    }
}

extension Verification {
    /// The `verification` of the JSON document.
    public var json: JSON {
        var json = JSON.object([
            "state": .string(passed ? "verified" : "failed"), "passed": .bool(passed), "engine": .string(engine),
            "probes": .array(checks.map(\.json)),
        ])
        json["failure"] = failure.map(JSON.string)
        json["observedFiles"] = observedCount.map { .integer(Int64($0)) }
        return json
    }

    /// The `verification` without a comparison: nothing was proven.
    public static var withoutProbes: JSON {
        .object(["state": .string("unproven"), "passed": .null, "probes": .array([])])
    }
}

extension Verification.ProbeComparison {
    fileprivate var json: JSON {
        var json = JSON.object([
            "probe": .string(probe), "passed": .bool(passed), "before": .string(before),
            "differences": .array(
                differences.map { difference in
                    .object([
                        "field": .string(difference.field), "before": .string(difference.before),
                        "after": .string(difference.after),
                    ])
                }), "unstable": .strings(unstable),
        ])
        json["after"] = after.map(JSON.string)
        return json
    }
}

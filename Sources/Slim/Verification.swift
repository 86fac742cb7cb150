public import Linux
public import OCI

/// Whether a slim image does what the original does, as far as both were asked.
public struct Verification: Sendable, Equatable {
    /// One question and both answers.
    public struct Check: Sendable, Equatable {
        /// What was asked.
        public let question: String
        /// What the original answered, in a few words.
        public let before: String
        /// What the slim image answered; nil where it did not serve.
        public let after: String?
        /// What is not the same.
        public let differences: [Disagreement]
        /// Fields in which the original does not agree with itself, so that they prove nothing.
        public let unstable: [String]

        /// Whether both answered alike.
        public var passed: Bool { after != nil && differences.isEmpty }
    }

    /// What started both.
    public let engine: String
    /// The questions, in their order.
    public let checks: [Check]
    /// Why the slim image does not serve, if so.
    public let failure: String?
    /// How many files of the image the original opened; nil where nobody looked.
    public let observedCount: Int?

    /// Whether something was asked, and nothing is not the same.
    public var passed: Bool { failure == nil && !checks.isEmpty && checks.allSatisfy(\.passed) }

    /// The first difference in one sentence.
    public var difference: String? {
        if let failure { return failure }
        if checks.isEmpty { return "nothing was asked" }
        guard let check = checks.first(where: { !$0.passed }) else { return nil }
        return "\(check.question): \(check.differences.first?.description ?? "no answer")"
    }

    /// Holds two testimonies against each other.
    ///
    /// - Parameter again: what the original says when it is started once more; what it then says otherwise is its
    ///   moment's, and not counted.
    public init(_ before: Testimony, _ after: Testimony, again: Testimony? = nil) {
        engine = before.engine
        failure = after.failure
        if case .files(let paths, _) = before.observation { observedCount = paths.count } else { observedCount = nil }
        checks = before.statements.enumerated().map { index, statement in
            func other(_ testimony: Testimony?) -> Statement? {
                testimony.flatMap { $0.statements.indices.contains(index) ? $0.statements[index] : nil }
            }
            return Check(statement, other(after), again: other(again))
        }
    }

    /// Starts the slim image, and the original once more if they do not agree.
    public init(
        _ slim: Image, against testimony: Testimony, of original: Image, by runner: some ImageRunner
    ) async throws {
        let after = try await runner.run(slim, isObserving: false)
        self.init(testimony, after)
        guard !passed, after.failure == nil else { return }
        let again = try await runner.run(original, isObserving: false)
        self.init(testimony, after, again: again)
    }
}

extension Verification.Check {
    init(_ before: Statement, _ after: Statement?, again: Statement?) {
        question = before.question
        self.before = before.summary
        self.after = after?.summary
        var (differences, unstable): ([Disagreement], [String]) = ([], [])
        // An original that fails now and then does not make a failure an answer.
        let isWorse = after.map { before.passes && !$0.passes } ?? false
        if let after, after.kind != before.kind, isWorse || again?.kind != after.kind {
            differences = [Disagreement("answer", .text(before.summary), .text(after.summary))]
            (self.differences, self.unstable) = (differences, [])
            return
        }
        for name in Self.names(before, after) {
            let (old, new) = (before.value(of: name), after?.value(of: name))
            if old == new || after == nil { continue }
            switch isWorse ? nil : again.map({ Stability(old, $0.value(of: name)) }) {
            case .unstable(let mask)? where Self.isExcused(name, new, again?.value(of: name)) && mask.covers(old, new):
                unstable.append(name)
            default: differences.append(Disagreement(name, old, new))
            }
        }
        (self.differences, self.unstable) = (differences, unstable)
    }

    /// Words of what an answer came to: they are not made of changing parts, so only what the original itself came to at
    /// its second start is excused.
    private static let verdicts: Set<String> = ["status", "ending", "answer", "state"]

    private static func isExcused(_ name: String, _ new: Statement.Value?, _ again: Statement.Value?) -> Bool {
        !verdicts.contains(name) || new == again
    }

    private static func names(_ before: Statement, _ after: Statement?) -> [String] {
        let names = before.fields.map(\.name)
        return names + (after?.fields.map(\.name).filter { !names.contains($0) } ?? [])
    }
}

extension Verification {
    /// The `verification` of CLI.md.
    public var json: JSON {
        var json = JSON.object([
            "passed": .bool(passed), "engine": .string(engine), "probes": .array(checks.map(\.json)),
        ])
        json["failure"] = failure.map(JSON.string)
        json["observedFiles"] = observedCount.map { .integer(Int64($0)) }
        return json
    }

    /// Where nothing was asked, and what holds without starting anything holds.
    public static var unasked: JSON { .object(["passed": .bool(true), "probes": .array([])]) }
}

extension Verification.Check {
    fileprivate var json: JSON {
        var json = JSON.object([
            "probe": .string(question), "passed": .bool(passed), "before": .string(before),
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

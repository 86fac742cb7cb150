public import Linux
internal import OCI
internal import Project

extension GateReport {
    /// The text of `--format text`: a line for each budget, and the largest causes below a broken one.
    public var text: String {
        let lines = rules.flatMap { rule -> [String] in
            let word = rule.word == "broken" ? "BROKEN" : rule.word
            let causes = rule.state == .holds ? [] : rule.causes.map { "          \($0.line.visibleLine)" }
            let remark = rule.remark.map { ["          \($0.visibleLine)"] } ?? []
            return ["\(word)  \(rule.name): \(rule.summary.visibleLine)"] + remark + causes
        }
        return (lines + notes.map { "note: \($0)" }).joined(separator: "\n")
    }

    /// The document of `--format json`.
    public var document: JSON {
        .document(
            "gate",
            [
                "holds": .bool(holds), "budgets": .array(rules.map(\.json)), "notes": .strings(notes),
                "image": .object([
                    "reference": .string(name), "digest": .string(digest.description),
                    "compressedSize": .integer(compressedSize),
                ]),
            ])
    }
}

extension GateRule {
    fileprivate var json: JSON {
        var json = JSON.object([
            "name": .string(name), "limit": .number(limit), "measured": measured.map { .number($0) } ?? .null,
            "holds": .bool(state == .holds), "state": .string(word), "summary": .string(summary),
            "causes": .array(
                causes.map { cause in
                    .object([
                        "amount": .string(cause.amount), "text": .string(cause.text),
                        "layer": cause.layer.map { .integer(Int64($0)) } ?? .null,
                    ])
                }),
        ])
        if case .waived(let waiver) = state {
            json["waiver"] = .object(["reason": .string(waiver.reason), "until": .string(waiver.until)])
        }
        return json
    }
}

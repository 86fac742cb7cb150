internal import Analysis

extension GateReport {
    /// The Markdown of the report: a headline, a table, and the causes of each budget that doesn't hold.
    public var markdown: String {
        var text = "### \(holds ? "✅" : "❌") \(headline.markdown)\n\n| | budget | result |\n|---|---|---|\n"
        for rule in rules { text += "| \(mark(rule)) | \(rule.name.markdown) | \(rule.summary.markdown) |\n" }
        for rule in rules where rule.state != .holds {
            let lines = (rule.remark.map { [$0] } ?? []) + rule.causes.map(\.line)
            guard !lines.isEmpty else { continue }
            text += "\n**\(rule.name.markdown)**\n\n" + lines.map { "- \($0.markdown)\n" }.joined()
        }
        if !notes.isEmpty { text += "\n" + notes.map { "> \($0.markdown)\n" }.joined() }
        return text
    }

    private func mark(_ rule: GateRule) -> String {
        switch rule.state {
        case .holds: "✅ holds"
        case .broken: "❌ broken"
        case .inconclusive: fails(rule) ? "❌ inconclusive" : "❔ inconclusive"
        case .waived: "⚠️ waived"
        }
    }
}

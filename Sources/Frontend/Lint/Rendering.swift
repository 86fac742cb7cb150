extension Lint {
    /// Formats findings as text: one line for each, with its fix below.
    public static func text(_ findings: [LintFinding], name: String) -> String {
        findings.reduce(into: "") { result, finding in
            result +=
                "\(name):\(finding.lines.lowerBound): \(finding.severity.rawValue): \(finding.message) [\(finding.rule)]\n"
            if let fix = finding.fix { result += "    fix: \(fix)\n" }
        }
    }

    /// Formats the findings of files as one JSON list, whose keys are stable.
    public static func json(_ files: [(name: String, findings: [LintFinding])]) -> String {
        let items = files.flatMap { file in file.findings.map { (file.name, $0) } }.map { name, finding in
            let fields = [
                ("rule", JSONText.string(finding.rule)), ("severity", JSONText.string(finding.severity.rawValue)),
                ("message", JSONText.string(finding.message)), ("file", JSONText.string(name)),
                ("startLine", String(finding.lines.lowerBound)), ("endLine", String(finding.lines.upperBound)),
                ("fix", finding.fix.map(JSONText.string) ?? "null"),
            ]
            return "  { " + fields.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + " }"
        }
        return items.isEmpty ? "[]\n" : "[\n" + items.joined(separator: ",\n") + "\n]\n"
    }

    /// Formats the findings of files as one SARIF 2.1.0 log.
    public static func sarif(_ files: [(name: String, findings: [LintFinding])], version: String) -> String {
        let findings = files.flatMap { file in file.findings.map { (file.name, $0) } }
        let rules = Set(findings.map(\.1.rule)).sorted().map { "{\"id\":\(JSONText.string($0))}" }
        let results = findings.map { name, finding in
            let region = "{\"startLine\":\(finding.lines.lowerBound),\"endLine\":\(finding.lines.upperBound)}"
            let place =
                "{\"physicalLocation\":{\"artifactLocation\":{\"uri\":\(JSONText.string(name))},\"region\":\(region)}}"
            let text = finding.message + (finding.fix.map { ". Fix: \($0)" } ?? "")
            let level = finding.severity == .error ? "error" : finding.severity == .warning ? "warning" : "note"
            return "{\"ruleId\":\(JSONText.string(finding.rule)),\"level\":\"\(level)\","
                + "\"message\":{\"text\":\(JSONText.string(text))},\"locations\":[\(place)]}"
        }
        let driver =
            "{\"name\":\"thaw\",\"version\":\(JSONText.string(version)),\"rules\":[\(rules.joined(separator: ","))]}"
        let run = "{\"tool\":{\"driver\":\(driver)},\"results\":[\(results.joined(separator: ","))]}"
        return
            "{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\",\"runs\":[\(run)]}\n"
    }
}

/// JSON strings, for documents that need no encoder.
enum JSONText {
    static func string(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case "\r": result += "\\r"
            case _ where scalar.value < 0x20:
                result += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

extension Lint {
    /// Formats findings as text: one line for each, with its fix below unless the message contains it.
    public static func text(_ findings: [LintFinding], name: String) -> String {
        findings.reduce(into: "") { result, finding in
            let names = finding.names.joined(separator: ", ")
            result +=
                "\(name):\(finding.lines.lowerBound): \(finding.severity.rawValue): \(finding.message) [\(names)]\n"
            guard let fix = finding.fix,
                !finding.message.holds(fix.hasPrefix("write ") ? String(fix.dropFirst(6)) : fix)
            else { return }
            let lines = fix.utf8.split(separator: Ascii.newline).map(\.text)
            result += "    fix: \(lines.joined(separator: "\n         "))\n"
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
                ("otherNames", "[\(finding.otherNames.map(JSONText.string).joined(separator: ", "))]"),
                ("automatic", finding.edits.isEmpty ? "false" : "true"),
            ]
            return "  { " + fields.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + " }"
        }
        return items.isEmpty ? "[]\n" : "[\n" + items.joined(separator: ",\n") + "\n]\n"
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

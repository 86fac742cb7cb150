extension Lint {
    /// Formats the findings of files as one SARIF 2.1.0 log, with the addresses of the rules and the fixes.
    ///
    /// - Parameter sources: The bytes of the files by name, to count columns in UTF-16; without them in bytes.
    public static func sarif(
        _ files: [(name: String, findings: [LintFinding])], version: String, sources: [String: [UInt8]] = [:]
    ) -> String {
        let rules = Set(files.flatMap { $0.findings.map(\.rule) }).sorted().map(rule)
        let results = files.flatMap { file in
            let columns = SARIFColumns(sources[file.name])
            return file.findings.map { result($0, name: file.name, columns) }
        }
        let driver =
            "{\"name\":\"thaw\",\"version\":\(JSONText.string(version)),\"rules\":[\(rules.joined(separator: ","))]}"
        let run =
            "{\"tool\":{\"driver\":\(driver)},\"columnKind\":\"utf16CodeUnits\",\"results\":[\(results.joined(separator: ","))]}"
        return
            "{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\",\"runs\":[\(run)]}\n"
    }

    private static func rule(_ name: String) -> String {
        var fields = ["\"id\":\(JSONText.string(name))"]
        if let known = LintRule.named(name) {
            fields.append("\"shortDescription\":{\"text\":\(JSONText.string(known.finds))}")
        }
        if let address = LintRule.helpAddress(of: name) { fields.append("\"helpUri\":\(JSONText.string(address))") }
        return "{\(fields.joined(separator: ","))}"
    }

    private static func result(_ finding: LintFinding, name: String, _ columns: SARIFColumns) -> String {
        let file = "\"artifactLocation\":{\"uri\":\(JSONText.string(name))}"
        let (first, last) = (finding.lines.lowerBound, finding.lines.upperBound)
        let region = columns.region(
            from: Position(line: first, column: finding.startColumn),
            to: Position(line: last, column: finding.endColumn))
        let text = finding.message + (finding.fix.map { ". Fix: \($0)" } ?? "")
        let level = finding.severity == .error ? "error" : finding.severity == .warning ? "warning" : "note"
        let fixes = fix(for: finding, file: file, columns: columns).map { ",\"fixes\":[\($0)]" } ?? ""
        return "{\"ruleId\":\(JSONText.string(finding.rule)),\"level\":\"\(level)\","
            + "\"message\":{\"text\":\(JSONText.string(text))},"
            + "\"locations\":[{\"physicalLocation\":{\(file),\"region\":\(region)}}]\(fixes)}"
    }

    private static func fix(for finding: LintFinding, file: String, columns: SARIFColumns) -> String? {
        let edits = finding.edits + finding.proposal
        guard !edits.isEmpty else { return nil }
        let replacements = edits.map { edit in
            let start = Position(line: edit.line, column: edit.columns?.lowerBound ?? 1)
            // A whole line goes with its end; a new text for it has no line end of its own.
            let text = edit.columns == nil && !edit.replacement.isEmpty ? "\(edit.replacement)\n" : edit.replacement
            let end = edit.columns.map { Position(line: edit.line, column: $0.upperBound) }
            let region = columns.region(from: start, to: end ?? Position(line: edit.line + 1, column: 1))
            return "{\"deletedRegion\":\(region),\"insertedContent\":{\"text\":\(JSONText.string(text))}}"
        }
        let kind = finding.edits.isEmpty ? "Proposed" : "Automatic"
        return "{\"description\":{\"text\":\"\(kind) fix\"},\"artifactChanges\":[{\(file),"
            + "\"replacements\":[\(replacements.joined(separator: ","))]}]}"
    }
}

/// The columns of a file in UTF-16 code units, as SARIF counts them.
private struct SARIFColumns {
    private let lines: [ArraySlice<UInt8>]

    init(_ source: [UInt8]?) {
        let mark = source?.starts(with: [0xEF, 0xBB, 0xBF]) == true ? 3 : 0
        lines = source.map { $0[mark...].split(separator: Ascii.newline, omittingEmptySubsequences: false) } ?? []
    }

    func region(from start: Position, to end: Position) -> String {
        "{\"startLine\":\(start.line),\"startColumn\":\(column(start)),\"endLine\":\(end.line),\"endColumn\":\(column(end))}"
    }

    private func column(_ position: Position) -> Int {
        guard lines.indices.contains(position.line - 1) else { return max(1, position.column) }
        return lines[position.line - 1].prefix(max(0, position.column - 1)).text.utf16.count + 1
    }
}

internal import Frontend
public import Linux

extension LintResult {
    /// Returns the findings as a log in SARIF, with the addresses of the rules and the fixes.
    ///
    /// - Parameter version: The version of thaw.
    public func sarif(version: String) -> JSON {
        let rules = Set(files.flatMap { $0.findings.map(\.rule) }).sorted().map(Self.rule)
        let results = files.flatMap { file in
            let columns = SARIFColumns(file.view.source)
            return file.findings.map { $0.sarif(in: file.view.path, columns) }
        }
        return .sarifLog(version: version, rules: rules, results: results, columns: "utf16CodeUnits")
    }

    private static func rule(_ name: String) -> JSON {
        var rule: JSON = ["id": .string(name)]
        if let known = LintRule.named(name) { rule["shortDescription"] = ["text": .string(known.finds)] }
        rule["helpUri"] = LintRule.helpAddress(of: name).map(JSON.string)
        return rule
    }
}

extension LintFinding {
    fileprivate func sarif(in file: String, _ columns: SARIFColumns) -> JSON {
        let place: JSON = ["uri": .string(file)]
        let region = columns.region(from: (lines.lowerBound, startColumn), to: (lines.upperBound, endColumn))
        let text = message + (fix.map { ". Fix: \($0)" } ?? "")
        let level = severity == .error ? "error" : severity == .warning ? "warning" : "note"
        var result: JSON = [
            "ruleId": .string(rule), "level": .string(level), "message": ["text": .string(text.sarifText)],
            "locations": [["physicalLocation": ["artifactLocation": place, "region": region]]],
        ]
        let replacements = (edits + proposal).map { $0.sarif(columns) }
        if !replacements.isEmpty {
            result["fixes"] = [
                [
                    "description": ["text": .string(edits.isEmpty ? "Proposed fix" : "Automatic fix")],
                    "artifactChanges": [["artifactLocation": place, "replacements": .array(replacements)]],
                ]
            ]
        }
        return result
    }
}

extension TextEdit {
    fileprivate func sarif(_ sarifColumns: SARIFColumns) -> JSON {
        let end = columns.map { (line, $0.upperBound) } ?? (line + 1, 1)
        // A whole line goes with its end; a new text for it has no line end of its own.
        let text = columns == nil && !replacement.isEmpty ? "\(replacement)\n" : replacement
        return [
            "deletedRegion": sarifColumns.region(from: (line, columns?.lowerBound ?? 1), to: end),
            "insertedContent": ["text": .string(text)],
        ]
    }
}

/// The columns of a file in UTF-16 code units, as SARIF counts them; without its bytes, in bytes.
private struct SARIFColumns {
    private let lines: [ArraySlice<UInt8>]

    init(_ source: [UInt8]?) {
        let mark = source?.starts(with: [0xEF, 0xBB, 0xBF]) == true ? 3 : 0
        lines = source.map { $0[mark...].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) } ?? []
    }

    func region(from start: (line: Int, column: Int), to end: (line: Int, column: Int)) -> JSON {
        [
            "startLine": .integer(Int64(start.line)), "startColumn": .integer(column(start)),
            "endLine": .integer(Int64(end.line)), "endColumn": .integer(column(end)),
        ]
    }

    private func column(_ position: (line: Int, column: Int)) -> Int64 {
        guard lines.indices.contains(position.line - 1) else { return Int64(max(1, position.column)) }
        let before = lines[position.line - 1].prefix(max(0, position.column - 1))
        return Int64(String(decoding: before, as: UTF8.self).utf16.count) + 1
    }
}

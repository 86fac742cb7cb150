internal import Linux

extension JSON {
    /// Returns a SARIF 2.1.0 log with one run of thaw.
    ///
    /// - Parameters:
    ///   - version: The version of thaw.
    ///   - columns: The unit of columns; nil if the results have none.
    static func sarifLog(version: String, rules: [JSON], results: [JSON], columns: String? = nil) -> JSON {
        var run: JSON = [
            "tool": ["driver": ["name": "thaw", "version": .string(version), "rules": .array(rules)]],
            "results": .array(results),
        ]
        run["columnKind"] = columns.map(JSON.string)
        return [
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run],
        ]
    }
}

extension String {
    /// The text without links, which a message has in brackets (SARIF 2.1.0, section 3.11.6).
    var sarifText: String {
        reduce(into: "") { text, character in
            if "\\[]".contains(character) { text.append("\\") }
            text.append(character)
        }
    }
}

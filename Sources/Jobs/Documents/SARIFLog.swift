internal import Linux

extension JSON {
    /// Returns a SARIF 2.1.0 log with one run of thaw.
    ///
    /// - Parameter version: The version of thaw.
    static func sarifLog(version: String, rules: [JSON], results: [JSON]) -> JSON {
        [
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
            "runs": [
                [
                    "tool": ["driver": ["name": "thaw", "version": .string(version), "rules": .array(rules)]],
                    "results": .array(results),
                ]
            ],
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

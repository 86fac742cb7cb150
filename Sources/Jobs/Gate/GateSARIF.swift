public import Linux
internal import Project

extension GateReport {
    /// Returns the SARIF 2.1.0 log of the report, with a result for each budget that doesn't hold.
    public func sarif(version: String) -> JSON {
        let results = rules.enumerated().filter { $0.element.state != .holds }
        return .sarifLog(
            version: version, rules: rules.map { Self.sarifRule($0) },
            results: results.map { sarifResult($0.element, index: $0.offset) })
    }

    private static func sarifRule(_ rule: GateRule) -> JSON {
        [
            "id": .string("gate/\(rule.name)"), "name": .string(rule.name),
            "shortDescription": ["text": .string("The budget '\(rule.name)' of thaw.toml")],
        ]
    }

    private func sarifResult(_ rule: GateRule, index: Int) -> JSON {
        let path = file.utf8.reduce(into: "") { $0 += $1.uriText }
        var result: JSON = [
            "ruleId": .string("gate/\(rule.name)"), "ruleIndex": .integer(Int64(index)),
            "level": .string(fails(rule) ? "error" : rule.word == "inconclusive" ? "warning" : "note"),
            "message": ["text": .string("\(name.visibleLine): \(rule.sentence.visibleLine)".sarifText)],
            "locations": [
                [
                    "physicalLocation": [
                        "artifactLocation": ["uri": .string(path)],
                        "region": ["startLine": .integer(Int64(line(of: rule)))],
                    ]
                ]
            ],
            "partialFingerprints": ["thawGate/v1": .string(rule.name)],
        ]
        if case .waived(let waiver) = rule.state {
            result["suppressions"] = [
                ["kind": "external", "status": "accepted", "justification": .string(waiver.reason)]
            ]
        }
        return result
    }
}

extension UInt8 {
    /// The byte in a URI: itself, or percent-encoded.
    fileprivate var uriText: String {
        let isPlain =
            (0x30...0x39).contains(self) || (0x41...0x5a).contains(self & 0xdf) || Array("-._~/".utf8).contains(self)
        if isPlain { return String(decoding: [self], as: UTF8.self) }
        let digits = String(self, radix: 16, uppercase: true)
        return "%" + (digits.count == 1 ? "0" : "") + digits
    }
}

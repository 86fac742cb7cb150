public import Linux
internal import OCI

extension GateReport {
    /// The workflow commands of GitHub Actions, one line for each budget that doesn't hold.
    public var github: String {
        rules.filter { $0.state != .holds }.map { rule in
            let command = fails(rule) ? "error" : rule.word == "waived" ? "notice" : "warning"
            let place = "file=\(file.property),line=\(line(of: rule)),title=\("thaw gate: \(rule.name)".property)"
            return "::\(command) \(place)::\("\(name): \(rule.sentence)".visibleLine.message)\n"
        }.joined()
    }

    /// The Code Quality report of GitLab, with an issue for each budget that doesn't hold.
    public var gitlab: JSON {
        .array(
            rules.filter { $0.state != .holds }.map { rule in
                [
                    "description": .string("\(name.visibleLine): \(rule.sentence.visibleLine)"),
                    "check_name": .string("thaw-gate-\(rule.name)"),
                    "fingerprint": .string(Digest(of: Array("\(file)\n\(rule.name)".utf8)).hex),
                    "severity": .string(fails(rule) ? "major" : "info"),
                    "location": [
                        "path": .string(file), "lines": ["begin": .integer(Int64(line(of: rule)))],
                    ],
                ]
            })
    }
}

extension String {
    /// The text as the message of a workflow command.
    fileprivate var message: String {
        replacing("%", with: "%25").replacing("\r", with: "%0D").replacing("\n", with: "%0A")
    }

    /// The text as a property of a workflow command.
    fileprivate var property: String {
        visibleLine.message.replacing(":", with: "%3A").replacing(",", with: "%2C")
    }
}

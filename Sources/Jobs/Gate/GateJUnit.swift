internal import Linux

extension GateReport {
    /// The JUnit XML of the report: a test case for each budget.
    public var junit: String {
        let count = { (state: String) in rules.count { junitState($0) == state } }
        let counts =
            "tests=\"\(rules.count)\" failures=\"\(count("failure"))\" errors=\"\(count("error"))\""
            + " skipped=\"\(count("skipped"))\" time=\"0\""
        let suite = "thaw gate \(name)".xml
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <testsuites name="thaw gate" \(counts)>
              <testsuite name="\(suite)" \(counts)>
            \(rules.map(junitCase).joined())  </testsuite>
            </testsuites>

            """
    }

    /// The element of a rule's state; empty for one that holds.
    private func junitState(_ rule: GateRule) -> String {
        if fails(rule) { return "failure" }
        switch rule.state {
        case .holds: return ""
        case .inconclusive: return inconclusive == .pass ? "skipped" : "error"
        case .broken, .waived: return "skipped"
        }
    }

    private func junitCase(_ rule: GateRule) -> String {
        let state = junitState(rule)
        let head = "    <testcase name=\"\(rule.name.xml)\" classname=\"thaw.gate\" time=\"0\""
        guard !state.isEmpty else { return head + "/>\n" }
        let message = (rule.summary + (rule.remark.map { "; \($0)" } ?? "")).xml
        let causes = rule.causes.map { $0.line.xml }.joined(separator: "\n")
        // A skipped case has a message only, as JUnit's schema wants it.
        let body =
            state == "skipped"
            ? "<skipped message=\"\(message)\"/>"
            : "<\(state) message=\"\(message)\" type=\"\(rule.word)\">\(causes)</\(state)>"
        return "\(head)>\n      \(body)\n    </testcase>\n"
    }
}

extension String {
    /// The text in XML, between tags or in an attribute.
    ///
    /// XML 1.0 allows neither control characters, which are shown by their numbers, nor U+FFFE and U+FFFF.
    var xml: String {
        var result = ""
        for scalar in visibleLine.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

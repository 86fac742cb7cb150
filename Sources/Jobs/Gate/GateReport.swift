public import OCI
public import Project

/// The comparison of an image with all budgets of a project.
public struct GateReport: Sendable {
    /// The treatment of a budget that could not be measured.
    public enum Inconclusive: String, Sendable, CaseIterable {
        /// It counts as one that holds.
        case pass
        /// It counts as a broken one.
        case fail
    }

    /// The image's name in the user's command.
    public let name: String
    /// The digest of the image's manifest.
    public let digest: Digest
    /// The compressed size of all layers.
    public let compressedSize: Int64
    /// The rules in the order of the keys of `[budget]`.
    public let rules: [GateRule]
    /// Notes for people: waivers that ended or have no effect.
    public let notes: [String]
    /// The path of `thaw.toml`.
    public let file: String
    /// The lines of the keys in it.
    public let lines: ProjectLines
    /// The treatment of unmeasured budgets; nil for an exit status of their own.
    public var inconclusive: Inconclusive?

    /// Makes a report and applies the waivers that are valid on a day, as `2026-11-30`.
    init(
        on image: Image, named name: String, rules: [GateRule], waivers: [ProjectFile.Waiver], today: String,
        file: String, lines: ProjectLines
    ) {
        (self.name, self.file, self.lines) = (name, file, lines)
        digest = image.descriptor.digest
        compressedSize = image.compressedSize
        var notes: [String] = []
        let order = ProjectFile.Budget.keys
        var rules = rules.sorted { left, right in
            (order.firstIndex(of: left.name) ?? .max) < (order.firstIndex(of: right.name) ?? .max)
        }
        for waiver in waivers {
            guard let index = rules.firstIndex(where: { $0.name == waiver.rule }), rules[index].state == .broken else {
                notes.append("the waiver of '\(waiver.rule)' has no effect: the rule isn't broken")
                continue
            }
            if waiver.until >= today {
                rules[index].state = .waived(waiver)
            } else {
                notes.append("the waiver of '\(waiver.rule)' ended on \(waiver.until)")
            }
        }
        (self.rules, self.notes) = (rules, notes)
    }

    /// The rules that fail the gate.
    public var failures: [GateRule] { rules.filter(fails) }

    /// True if no rule fails the gate.
    public var holds: Bool { failures.isEmpty }

    /// The exit status.
    public var status: CommandStatus {
        if !holds { return .gateBroken }
        let isUnmeasured = inconclusive == nil && rules.contains { $0.word == "inconclusive" }
        return isUnmeasured ? .unmeasurable : .done
    }

    func fails(_ rule: GateRule) -> Bool {
        switch rule.state {
        case .broken: true
        case .inconclusive: inconclusive == .fail
        case .holds, .waived: false
        }
    }

    /// The line of a rule's budget in `thaw.toml`.
    func line(of rule: GateRule) -> Int { lines.line(of: "budget.\(rule.name)") ?? 1 }

    /// The result in one line: `2 of 7 budgets are broken`.
    public var headline: String {
        let counts = ["broken", "inconclusive", "waived"].compactMap { word -> String? in
            let count = rules.count { $0.word == word }
            return count == 0 ? nil : "\(count) \(word)"
        }
        let all = "\(rules.count) budget\(rules.count == 1 ? "" : "s")"
        return counts.isEmpty ? "\(name) holds \(all)" : "\(name): of \(all) \(counts.joined(separator: ", "))"
    }
}

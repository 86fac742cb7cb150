internal import Linux
public import Project

/// The result of one budget.
public struct GateRule: Sendable, Equatable {
    /// The outcome of the comparison.
    public enum State: Sendable, Equatable {
        case holds
        case broken
        /// The figure could not be measured, for a reason.
        case inconclusive(String)
        /// The budget is broken, and `thaw.toml` allows that for a time.
        case waived(ProjectFile.Waiver)
    }

    /// A part of a figure, for people who want to make it smaller.
    public struct Cause: Sendable, Equatable {
        /// The size or another figure; empty if the cause has none.
        public let amount: String
        /// The layer, file or package, in one line.
        public let text: String
        /// The layer; nil for several or none.
        public let layer: Int?

        /// Makes a cause.
        public init(_ amount: String = "", _ text: String, layer: Int? = nil) {
            (self.amount, self.text, self.layer) = (amount, text, layer)
        }

        /// The cause in one line.
        public var line: String { amount.isEmpty ? text : "\(amount)  \(text)" }
    }

    /// The key in `[budget]`.
    public let name: String
    /// The unit of both figures; nil if the rule has no figure.
    let unit: BudgetVerdict.Unit?
    /// The limit in bytes, milliseconds, or a number.
    public let limit: Double
    /// The figure in the same unit; nil if it was not measured.
    public let measured: Double?
    /// The comparison in one line: `61.2MB of 50.0MB, 11.2MB too much`.
    public let summary: String
    /// The largest parts of the figure, at most three.
    public internal(set) var causes: [Cause]
    public internal(set) var state: State

    /// Makes a rule that compares a figure with its limit.
    init(
        _ name: String, _ unit: BudgetVerdict.Unit, limit: Double, measured: Double, causes: [Cause] = [],
        summary: String? = nil
    ) {
        let holds = measured <= limit
        let excess = holds ? "" : ", \(unit.text(measured - limit)) too much"
        self.name = name
        self.unit = unit
        self.limit = limit
        self.measured = measured
        self.causes = Array(causes.prefix(3))
        self.summary = summary ?? "\(unit.text(measured)) of \(unit.text(limit))\(excess)"
        state = holds ? .holds : .broken
    }

    /// Makes a rule whose figure could not be measured.
    init(_ name: String, limit: Double, inconclusive reason: String) {
        (self.name, self.limit, measured, unit, summary, causes) = (name, limit, nil, nil, reason, [])
        state = .inconclusive(reason)
    }

    /// The rule as a row of a verdict; nil if its figure could not be measured.
    var row: BudgetVerdict.BudgetResult? {
        guard let unit, let measured else { return nil }
        return BudgetVerdict.BudgetResult(name: name, unit: unit, limit: limit, measured: measured, summary: summary)
    }

    /// The state in one word.
    public var word: String {
        switch state {
        case .holds: "holds"
        case .broken: "broken"
        case .inconclusive: "inconclusive"
        case .waived: "waived"
        }
    }

    /// The waiver as a remark; nil if there is none.
    var remark: String? {
        guard case .waived(let waiver) = state else { return nil }
        return "waived until \(waiver.until): \(waiver.reason)"
    }

    /// The rule in one line, with its causes.
    var sentence: String {
        let because = causes.isEmpty ? "" : " (\(causes.map(\.line).joined(separator: "; ")))"
        return "\(name): \(summary)\(because)\(remark.map { "; \($0)" } ?? "")"
    }
}

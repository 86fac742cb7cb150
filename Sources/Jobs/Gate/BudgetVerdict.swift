public import Linux
public import Project

/// The comparison of an image's figures with the budgets of a project.
public struct BudgetVerdict: Sendable, Equatable {
    /// One budget with its limit and the measured value.
    public struct BudgetResult: Sendable, Equatable {
        /// The budget's key in `thaw.toml`.
        public let name: String
        /// The unit of both values.
        public let unit: Unit
        /// The limit.
        public let limit: Double
        /// The measured value.
        public let measured: Double
        /// The comparison in words; nil for that of two figures.
        var summary: String?

        /// True if the measured value is at most the limit.
        public var holds: Bool { measured <= limit }

        /// The limit with its unit.
        public var limitText: String { unit.text(limit) }

        /// The measured value with its unit.
        public var measuredText: String { unit.text(measured) }

        /// The comparison of the two figures in words.
        var comparison: String {
            "\(measuredText) of \(limitText)" + (holds ? "" : ", \(unit.text(measured - limit)) too much")
        }
    }

    /// The unit of a budget.
    public enum Unit: Sendable {
        case bytes, count, milliseconds
        /// A part of a whole, shown in percent.
        case part

        /// Formats a value with the unit.
        func text(_ value: Double) -> String {
            switch self {
            case .bytes: "\(ByteCount(Int64(value.rounded())))"
            case .count: "\(Int64(value.rounded()))"
            case .milliseconds: Duration.text(milliseconds: value)
            case .part: "\((value * 1000).rounded() / 10) %"
            }
        }
    }

    /// The budgets that are set and have a figure, in the order of `thaw.toml`'s keys.
    public let rows: [BudgetResult]

    /// Compares figures with budgets, and adds the rules that need more than figures.
    init(_ budget: ProjectFile.Budget, _ figures: ImageFigures, further: [GateRule]) {
        rows = Self(budget, figures).rows + further.compactMap(\.row)
    }

    /// Compares figures with budgets.
    public init(_ budget: ProjectFile.Budget, _ figures: ImageFigures) {
        let all: [(name: String, unit: Unit, limit: Double?, measured: Double?)] = [
            ("size", .bytes, budget.size.map { Double($0.bytes) }, Double(figures.compressedSize)),
            ("unpacked", .bytes, budget.unpacked.map { Double($0.bytes) }, Double(figures.unpackedSize)),
            ("layers", .count, budget.layers.map(Double.init), Double(figures.layerCount)),
            ("waste", .bytes, budget.waste.map { Double($0.bytes) }, Double(figures.wastedBytes)),
            ("start", .milliseconds, budget.start?.inMilliseconds, figures.startMilliseconds),
            ("start-work", .count, budget.startWork.map(Double.init), figures.startWork),
        ]
        rows = all.compactMap { entry in
            guard let limit = entry.limit, let measured = entry.measured else { return nil }
            var row = BudgetResult(name: entry.name, unit: entry.unit, limit: limit, measured: measured)
            if entry.name == "start", figures.isStartCounted {
                row.summary = "\(row.comparison); counted, with 1 ns for an instruction"
            }
            return row
        }
    }

    /// True if every budget holds.
    public var holds: Bool { rows.allSatisfy(\.holds) }

    /// The text of `--format text`.
    public var text: String {
        rows.map { row in
            "\(row.holds ? "holds" : "BROKEN")  \(row.name): \(row.summary ?? row.comparison)"
        }.joined(separator: "\n")
    }

    /// The document of `--format json`.
    public var document: JSON {
        .document(
            "gate",
            [
                "holds": .bool(holds),
                "budgets": .array(
                    rows.map { row in
                        .object([
                            "name": .string(row.name), "limit": .number(row.limit),
                            "measured": .number(row.measured), "holds": .bool(row.holds),
                        ])
                    }),
            ])
    }
}

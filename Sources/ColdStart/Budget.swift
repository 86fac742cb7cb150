/// A figure that a budget can limit.
public enum BudgetMetric: String, Sendable, CaseIterable {
    /// The size of the image's files in bytes, unpacked.
    case size
    /// The size of the image's layers in bytes, compressed.
    case compressedSize
    /// The number of layers.
    case layers
    /// The bytes that later layers hide.
    case wastedBytes
    /// The same as a share of the layers after the first, in percent.
    case wastedPercent
    /// The time to the first byte of the response, in milliseconds.
    case timeToFirstRequestMs
    /// The guest's instructions until then.
    case guestInstructions
    /// The entrypoint's peak memory in bytes.
    case peakGuestMemoryBytes

    /// The name of the quantity in a sentence.
    public var words: String {
        switch self {
        case .size: "size"
        case .compressedSize: "compressed size"
        case .layers: "number of layers"
        case .wastedBytes: "waste"
        case .wastedPercent: "share of waste"
        case .timeToFirstRequestMs: "time to first request"
        case .guestInstructions: "instructions to first request"
        case .peakGuestMemoryBytes: "peak memory"
        }
    }

    /// Formats a figure with its unit.
    public func text(_ figure: Double) -> String {
        switch self {
        case .size, .compressedSize, .wastedBytes, .peakGuestMemoryBytes: bytesText(figure)
        case .layers, .guestInstructions: decimals(figure, 0)
        case .wastedPercent: decimals(figure, 1) + " %"
        case .timeToFirstRequestMs: decimals(figure, 1) + " ms"
        }
    }
}

/// The upper limit of one quantity; a figure equal to the limit is within it.
public struct Budget: Sendable, Hashable {
    /// The limited quantity.
    public let metric: BudgetMetric
    /// The limit in the quantity's own unit.
    public let limit: Double

    /// A budget.
    public init(_ metric: BudgetMetric, atMost limit: Double) {
        self.metric = metric
        self.limit = limit
    }

    /// Compares figures with budgets, in the order of the budgets.
    public static func evaluate(_ budgets: [Budget], by figures: [BudgetMetric: Double]) -> BudgetCheck {
        var violations: [BudgetViolation] = []
        var unmeasured: [BudgetMetric] = []
        for budget in budgets {
            guard let figure = figures[budget.metric], figure.isFinite else {
                unmeasured.append(budget.metric)
                continue
            }
            if figure > budget.limit { violations.append(BudgetViolation(budget, measured: figure)) }
        }
        return BudgetCheck(violations: violations, unmeasured: unmeasured)
    }
}

/// The result of comparing figures with budgets.
public struct BudgetCheck: Sendable, Equatable {
    /// The exceeded budgets.
    public let violations: [BudgetViolation]
    /// The limited quantities without a figure; such a budget neither holds nor fails.
    public let unmeasured: [BudgetMetric]
}

/// An exceeded budget.
public struct BudgetViolation: Sendable, Equatable, CustomStringConvertible {
    /// The budget.
    public let budget: Budget
    /// The measured figure.
    public let measured: Double

    init(_ budget: Budget, measured: Double) {
        self.budget = budget
        self.measured = measured
    }

    /// The excess over the limit, in the quantity's own unit.
    public var excess: Double { measured - budget.limit }

    /// A sentence such as `size is 61.2 MB, 11.2 MB over its budget of 50.0 MB`.
    public var description: String {
        let metric = budget.metric
        return "\(metric.words) is \(metric.text(measured)), \(metric.text(excess)) over its budget of "
            + metric.text(budget.limit)
    }
}

private func bytesText(_ figure: Double) -> String {
    for (unit, size) in [("GB", 1e9), ("MB", 1e6), ("kB", 1e3)] where figure >= size {
        return decimals(figure / size, 1) + " " + unit
    }
    return decimals(figure, 0) + " bytes"
}

/// Formats a figure with a fixed number of decimals, rounded half up.
private func decimals(_ figure: Double, _ count: Int) -> String {
    let scale = count == 0 ? 1.0 : 10.0
    let scaled = (figure * scale).rounded()
    guard abs(scaled) < 1e15 else { return String(figure) }
    let whole = Int64(scaled)
    return count == 0 ? String(whole) : "\(whole / 10).\(abs(whole % 10))"
}

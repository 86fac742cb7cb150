internal import Glibc

/// The ratio of two samples' medians, with its 95 % confidence interval.
///
/// The interval is symmetric on the logarithm of the ratio. Its width comes from the bootstrap: the standard deviation
/// of the ratio over resampled values. For medians of 5 to 30 values this covers the truth more evenly than the
/// percentiles of the bootstrap do (94 to 96 % against 95 to 98 %, in simulations).
struct MedianRatio: Equatable {
    let ratio: Double
    /// The interval; nil for a sample of one value.
    let interval: ClosedRange<Double>?

    private static let resamples = 1_000
    private static let seed: UInt64 = 0x7468_6177
    /// The normal distribution has 95 % of its values within this many standard deviations.
    private static let width = 1.959_964

    /// Compares samples of positive values, neither of which is empty.
    init(of after: [Double], to before: [Double]) {
        ratio = median(of: after) / median(of: before)
        guard min(before.count, after.count) > 1, ratio > 0, ratio.isFinite else {
            interval = nil
            return
        }
        // The same samples have the same interval.
        var generator = SeededGenerator(state: MedianRatio.seed)
        var (sum, squares) = (0.0, 0.0)
        for _ in 0..<MedianRatio.resamples {
            let (one, other) = (after.resampled(by: &generator), before.resampled(by: &generator))
            let value = log(median(of: one)) - log(median(of: other))
            sum += value
            squares += value * value
        }
        let count = Double(MedianRatio.resamples)
        let deviation = max(0, (squares - sum * sum / count) / (count - 1)).squareRoot()
        let factor = exp(MedianRatio.width * deviation)
        interval = (ratio / factor)...(ratio * factor)
    }
}

/// Returns the middle value, or the mean of the middle two; the values must not be empty.
func median(of values: [Double]) -> Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/// A random number generator with a fixed sequence: SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension [Double] {
    fileprivate func resampled(by generator: inout SeededGenerator) -> [Double] {
        map { _ in self[Int.random(in: indices, using: &generator)] }
    }
}

internal import Glibc

/// The comparison of one figure of two images, from one or more runs of each.
public struct SampleComparison: Sendable, Equatable {
    /// The result.
    public enum Verdict: Sendable, Equatable {
        /// The second image needs less.
        case faster
        /// The second image needs more.
        case slower
        /// They differ by at most this many percent.
        case same(withinPercent: Double)
        /// The runs vary too much, or are too few; about this many more runs of each image would do.
        case unknown(moreRuns: Int)
    }

    /// The figures of the first image, in the order of the runs.
    public let before: Statistics
    /// The figures of the second image.
    public let after: Statistics
    /// The second median as a multiple of the first.
    public let ratio: Double
    /// The 95 % confidence interval of the ratio; nil for one run, and for counted figures.
    public let interval: ClosedRange<Double>?
    /// The two-sided probability of the Mann-Whitney U test; nil as above.
    public let pValue: Double?
    /// The result.
    public let verdict: Verdict

    /// The probability below which a difference is believed.
    ///
    /// It is stricter than the interval: with 0.01, one of 20 pairs of equal images had a verdict in a simulation.
    static let significance = 0.001
    /// The fewest runs of each image with which such a probability is possible.
    static let leastRuns = 7
    /// The greatest number of further runs that is proposed.
    static let mostMoreRuns = 1_000

    /// Compares times, which vary from run to run.
    ///
    /// - Parameter tolerance: the share of a time that does not matter.
    init(timesBefore before: Statistics, after: Statistics, tolerance: Double = 0.02) {
        let medians = MedianRatio(of: after.samples, to: before.samples)
        (self.before, self.after, ratio, interval) = (before, after, medians.ratio, medians.interval)
        let count = min(before.samples.count, after.samples.count)
        guard let interval = medians.interval else {
            (pValue, verdict) = (nil, .unknown(moreRuns: Self.leastRuns - count))
            return
        }
        let probability = MannWhitney(before.samples, after.samples).pValue
        pValue = probability
        let limits = 1 / (1 + tolerance)...1 + tolerance
        let isWithin = limits.contains(interval.lowerBound) && limits.contains(interval.upperBound)
        if count < Self.leastRuns {
            verdict = .unknown(moreRuns: Self.leastRuns - count)
        } else if isWithin {
            verdict = .same(withinPercent: max(interval.upperBound - 1, 1 / interval.lowerBound - 1) * 100)
        } else if !interval.contains(1), probability < Self.significance {
            verdict = medians.ratio < 1 ? .faster : .slower
        } else {
            verdict = .unknown(moreRuns: Self.moreRuns(medians.ratio, interval, count: count, tolerance: tolerance))
        }
    }

    /// Returns the further runs after which the interval is expected to exclude 1, or to be within the tolerance.
    ///
    /// An interval becomes narrower with the square root of the number of runs.
    private static func moreRuns(
        _ ratio: Double, _ interval: ClosedRange<Double>, count: Int, tolerance: Double
    ) -> Int {
        let halfWidth = log(interval.upperBound / interval.lowerBound) / 2
        let distance = abs(log(ratio))
        let target = max(distance, log(1 + tolerance) - distance)
        let needed = Double(count) * (halfWidth / target) * (halfWidth / target)
        return min(mostMoreRuns, max(1, Int(min(needed, 1e6).rounded(.up)) - count))
    }

    /// Compares counted figures, of which one run is enough.
    ///
    /// - Parameters:
    ///   - tolerance: the share of a figure that does not matter, if the seeds don't vary more.
    ///   - floor: the difference that does not matter, whatever the figure.
    init(countedBefore before: Statistics, after: Statistics, tolerance: Double = 0.005, floor: Double) {
        (self.before, self.after, interval, pValue) = (before, after, nil, nil)
        let (first, second) = (before.median, after.median)
        ratio = first == 0 ? (second == 0 ? 1 : .infinity) : second / first
        let allowed = max(first * max(tolerance, before.spread, after.spread), floor)
        if abs(second - first) <= allowed {
            verdict = .same(withinPercent: first == 0 ? 0 : abs(second - first) / first * 100)
        } else {
            verdict = second < first ? .faster : .slower
        }
    }
}

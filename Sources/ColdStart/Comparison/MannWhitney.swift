internal import Glibc

/// The Mann-Whitney U test: the probability of an order like that of two samples if both had one distribution.
///
/// The test is two-sided. It is exact for small samples without equal values. Otherwise it is the normal approximation
/// with the corrections for ties and continuity, as in SciPy's `mannwhitneyu`.
struct MannWhitney {
    /// The number of pairs in which the first sample's value is the greater one; an equal pair counts one half.
    let statistic: Double
    /// The two-sided probability.
    let pValue: Double

    /// The greatest size of a sample for the exact distribution.
    private static let exactLimit = 25

    /// Tests two samples, neither of which is empty.
    init(_ first: [Double], _ second: [Double]) {
        precondition(!first.isEmpty && !second.isEmpty, "a test needs samples")
        let (ranks, tieSizes) = MannWhitney.ranks(of: first + second)
        let (m, n) = (first.count, second.count)
        statistic = ranks.prefix(m).reduce(0, +) - Double(m * (m + 1)) / 2
        let greater = max(statistic, Double(m * n) - statistic)
        if tieSizes.isEmpty, max(m, n) <= MannWhitney.exactLimit {
            pValue = min(1, 2 * MannWhitney.exactTail(from: Int(greater), m, n))
        } else {
            pValue = MannWhitney.normalTail(from: greater, m, n, tieSizes: tieSizes)
        }
    }

    /// Returns each value's rank from 1, the mean for equal values, and the sizes of the groups of equal values.
    private static func ranks(of values: [Double]) -> (ranks: [Double], tieSizes: [Int]) {
        let order = values.indices.sorted { values[$0] < values[$1] }
        var (ranks, tieSizes) = ([Double](repeating: 0, count: values.count), [Int]())
        var begin = 0
        while begin < order.count {
            let end = order[begin...].firstIndex { values[$0] != values[order[begin]] } ?? order.count
            for place in begin..<end { ranks[order[place]] = Double(begin + 1 + end) / 2 }
            if end - begin > 1 { tieSizes.append(end - begin) }
            begin = end
        }
        return (ranks, tieSizes)
    }

    /// Returns the probability of a statistic of at least `least`, from the number of orders for each statistic.
    private static func exactTail(from least: Int, _ m: Int, _ n: Int) -> Double {
        // counts[j][u]: the orders of i values of the first sample and j of the second with the statistic u.
        var counts = [[Double]](repeating: [1], count: n + 1)
        for i in 1...m {
            var next: [[Double]] = [[1]]
            for j in 1...n {
                // The greatest value belongs to the first sample and exceeds j others, or to the second sample.
                var row = [Double](repeating: 0, count: i * j + 1)
                for (u, count) in counts[j].enumerated() { row[u + j] += count }
                for (u, count) in next[j - 1].enumerated() { row[u] += count }
                next.append(row)
            }
            counts = next
        }
        let all = counts[n].reduce(0, +)
        return counts[n][least...].reduce(0, +) / all
    }

    private static func normalTail(from greater: Double, _ m: Int, _ n: Int, tieSizes: [Int]) -> Double {
        let (product, count) = (Double(m) * Double(n), Double(m + n))
        let ties = tieSizes.reduce(0.0) { $0 + Double($1) * Double($1) * Double($1) - Double($1) }
        let variance = product / 12 * ((count + 1) - ties / (count * (count - 1)))
        guard variance > 0 else { return 1 }
        let z = (greater - product / 2 - 0.5) / variance.squareRoot()
        return min(1, erfc(z / 2.0.squareRoot()))
    }
}

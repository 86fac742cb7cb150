/// The figures of one quantity from several runs.
public struct Statistics: Sendable, Equatable {
    /// The figures in the order of the runs; never empty.
    public let samples: [Double]

    /// Makes statistics of samples; `nil` if there are none.
    public init?(_ samples: [Double]) {
        guard !samples.isEmpty else { return nil }
        self.samples = samples
    }

    /// Makes statistics of one sample.
    init(_ sample: Double) { samples = [sample] }

    /// The middle figure, or the mean of the middle two.
    public var median: Double {
        let sorted = samples.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    /// The smallest figure that 95 % of the samples do not exceed (nearest rank): always one of the samples.
    public var p95: Double {
        let rank = (samples.count * 95 + 99) / 100
        return samples.sorted()[rank - 1]
    }

    /// The least figure.
    public var minimum: Double { samples.reduce(samples[0], min) }

    /// The greatest figure.
    public var maximum: Double { samples.reduce(samples[0], max) }

    /// The range of the figures as a share of their median.
    public var spread: Double { median == 0 ? 0 : (maximum - minimum) / median }
}

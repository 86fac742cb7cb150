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
    public var median: Double { ColdStart.median(of: samples) }

    /// The run with the median figure, or with the smaller of the middle two.
    public var medianRun: Int { samples.indices.sorted { samples[$0] < samples[$1] }[(samples.count - 1) / 2] }

    /// The fewest samples of which a 95th percentile says more than the maximum.
    private static let leastForP95 = 20

    /// The smallest figure that 95 % of the samples do not exceed (nearest rank); nil below 20 samples.
    public var p95: Double? {
        guard samples.count >= Statistics.leastForP95 else { return nil }
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

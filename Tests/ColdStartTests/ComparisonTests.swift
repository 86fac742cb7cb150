import Glibc
import Probe
import Support
import Testing

@testable import ColdStart

/// Comparisons of samples, and their verdicts.
@Suite struct ComparisonTests {
    /// Two samples, with the statistic and the two-sided probability that SciPy 1.17 gives for them.
    static let published: [([Double], [Double], Double, Double)] = [
        ([19, 22, 16, 29, 24], [20, 11, 17, 12], 17, 0.1111111111111111),
        ([1, 2, 3, 4, 5], [6, 7, 8, 9, 10], 0, 0.007936507936507936),
        ([1.5, 2.5, 3.5], [1, 2, 3], 6, 0.7),
        ([10, 20, 30, 40, 50, 60, 70, 80], [15, 25, 35, 45, 55, 65, 75, 85], 28, 0.7209013209013208),
        ([1, 2, 2, 3, 4], [2, 3, 5, 6, 7, 8], 4.5, 0.06476896969888761),
        ([5, 5, 5, 5], [5, 5, 5, 5], 8, 1),
        ((0..<30).map { Double(2 * $0) }, (0..<30).map { Double(2 * $0) + 9.5 }, 325, 0.06567125768912659),
    ]

    @Test("Mann-Whitney: statistic and probability are SciPy's, exact and with ties", arguments: published.indices)
    func mannWhitney(row: Int) {
        let (first, second, statistic, pValue) = Self.published[row]
        let test = MannWhitney(first, second)
        #expect(test.statistic == statistic)
        #expect(abs(test.pValue - pValue) < 1e-12)
    }

    /// The names of distributions, and the size of a sample.
    static let simulations: [(String, Int)] = [
        ("normal", 5), ("normal", 10), ("lognormal", 10), ("lognormal", 30), ("exponential", 20),
    ]

    private static func sample(_ name: String, _ count: Int, by generator: inout SplitMix) -> [Double] {
        func uniform() -> Double { Double(generator.next() >> 11) / 9_007_199_254_740_992 }
        // The sum of 12 uniform values is nearly normal.
        func normal() -> Double { (0..<12).reduce(0.0) { sum, _ in sum + uniform() } - 6 }
        return (0..<count).map { _ in
            switch name {
            case "normal": 100 + 5 * normal()
            case "lognormal": logNormal(normal())
            default: 100 - 20 * log(1 - uniform())
            }
        }
    }

    private static func logNormal(_ value: Double) -> Double { exp(4 + 0.3 * value) }

    @Test("The interval of the ratio covers the truth in 93 to 97 % of 1,000 trials", arguments: simulations.indices)
    func coverage(row: Int) {
        let (name, count) = Self.simulations[row]
        var generator = SplitMix(seed: 2_026)
        let hits = (0..<1000).count { _ in
            let before = Self.sample(name, count, by: &generator)
            // The truth: the second image needs 1.3 times the time.
            let after = Self.sample(name, count, by: &generator).map { $0 * 1.3 }
            return MedianRatio(of: after, to: before).interval?.contains(1.3) == true
        }
        #expect((930...970).contains(hits), "\(name), \(count) values: \(hits)")
    }

    @Test("The same samples have the same interval")
    func reproducible() {
        let (first, second) = ([1.0, 2, 3, 4, 5, 6], [2.0, 4, 4, 5, 9, 9])
        #expect(MedianRatio(of: first, to: second) == MedianRatio(of: first, to: second))
    }

    private static func compare(_ before: [Double], _ after: [Double]) throws -> SampleComparison {
        SampleComparison(
            timesBefore: try #require(Statistics(before)), after: try #require(Statistics(after)))
    }

    @Test("Times: a verdict needs seven runs, an interval beside 1 and a small probability")
    func times() throws {
        let (slow, fast) = ([100.0, 101, 103, 99, 102, 104, 98], [80.0, 81, 79, 83, 82, 84, 78])
        #expect(try Self.compare(slow, fast).verdict == .faster)
        #expect(try Self.compare(fast, slow).verdict == .slower)
        #expect(try Self.compare([100], [10]).verdict == .unknown(moreRuns: 6))
        #expect(try Self.compare([100, 101, 102], [10, 11, 12]).verdict == .unknown(moreRuns: 4))
        let steady = slow.map { 100 + $0 / 100 }
        guard case .same(let percent) = try Self.compare(steady, steady).verdict else {
            Issue.record("equal samples are not the same")
            return
        }
        #expect(percent < 0.1)
        guard
            case .unknown(let more) = try Self.compare(
                [100, 150, 80, 120, 90, 105, 95], [110, 95, 140, 85, 100, 130, 90]
            ).verdict
        else {
            Issue.record("noise has a verdict")
            return
        }
        #expect(more > 5)
    }

    @Test("pair: two equal distributions are never faster or slower in 20 comparisons of 10 runs")
    func pair() throws {
        var generator = SplitMix(seed: 16)
        for _ in 0..<20 {
            let before = Self.sample("lognormal", 10, by: &generator)
            let verdict = try Self.compare(before, Self.sample("lognormal", 10, by: &generator)).verdict
            #expect(verdict != .faster && verdict != .slower)
        }
    }

    /// Counted milliseconds before and after, and the verdict.
    static let countedCases: [([Double], [Double], SampleComparison.Verdict)] = [
        ([400], [400], .same(withinPercent: 0)), ([400], [401], .same(withinPercent: 0.25)), ([400], [403], .slower),
        ([400], [380], .faster),
        // A difference of less than the probes' interval, and one within the spread of the seeds.
        ([2], [2.9], .same(withinPercent: 45)), ([400, 410, 404], [409, 400, 408], .same(withinPercent: 1)),
        ([0], [50], .slower), ([0], [0], .same(withinPercent: 0)),
    ]

    @Test("Counted figures have a verdict after one run", arguments: countedCases.indices)
    func counted(row: Int) throws {
        let (before, after, verdict) = Self.countedCases[row]
        let found = SampleComparison(
            countedBefore: try #require(Statistics(before)), after: try #require(Statistics(after)), floor: 1)
        guard case .same(let percent) = verdict, case .same(let actual) = found.verdict else {
            #expect(found.verdict == verdict)
            return
        }
        #expect(abs(percent - actual) < 0.02)
    }
}

/// The conditions of starts.
@Suite struct FingerprintTests {
    @Test("fingerprint: the first condition that differs is named with both values")
    func difference() {
        let first = Scenario(arguments: ["x"], probe: .tcp(port: 1)).fingerprint(engine: "qemu")
        var scenario = Scenario(arguments: ["y"], environment: ["A=1"], probe: .tcp(port: 1))
        #expect(first.difference(to: scenario.fingerprint(engine: "qemu")) == nil)
        scenario.memoryBytes = 640 << 20
        #expect(
            first.difference(to: scenario.fingerprint(engine: "qemu")) == "memory: 512 MiB before, 640 MiB now")
        var more = first
        more.add("seed", "1")
        #expect(first.difference(to: more) == "seed: none before, 1 now")
        #expect(more.difference(to: first) == "seed: 1 before, none now")
    }

    @Test("The size of a disk and the frequency of the host's counter are no conditions")
    func disk() throws {
        var command = QemuCommand(
            program: "q", memoryBytes: 512 << 20, processors: 1,
            acceleration: .counted(try DiskMemory(memoryBytes: 512 << 20, diskBytes: 1 << 20)))
        let first = command.fingerprint("QEMU 7.2")
        command.acceleration = .counted(try DiskMemory(memoryBytes: 512 << 20, diskBytes: 90 << 20))
        #expect(first.difference(to: command.fingerprint("QEMU 7.2")) == nil)
        #expect(first["cpu"]?.hasPrefix("qemu64,") == true && first["shift"] == "0" && first["seed"] == "1")
        command.acceleration = .emulation(counterFrequency: 5)
        #expect(command.fingerprint("QEMU 7.2")["seed"] == nil)
    }
}

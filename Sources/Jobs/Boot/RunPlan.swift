internal import ColdStart

/// The number and the order of an image's starts, or of two images' starts.
struct RunPlan: Sendable, Equatable {
    /// The requested number of starts of each image; nil if only the budget limits them.
    let runs: Int?
    /// The time for all starts; nil for no limit.
    let budget: Duration?
    /// True for counted starts, which are equal whenever they run.
    let isCounted: Bool

    /// The counted starts of a budget: more seeds add nothing to the spread that matters.
    private static let seeds = 3

    /// The greatest number of starts of each image.
    var limit: Int { runs ?? (budget == nil ? 1 : isCounted ? RunPlan.seeds : .max) }

    /// True if a first start of each image is not measured, since it fills the page cache.
    var hasWarmUp: Bool { !isCounted && limit > 1 }

    /// True if the budget allows one more start of each image.
    ///
    /// - Parameter longest: The longest time that a start of each image took so far.
    func allowsRound(_ round: Int, elapsed: Duration, longest: Duration) -> Bool {
        guard round < limit else { return false }
        guard let budget, round > 0 else { return true }
        return elapsed + longest <= budget
    }

    /// Returns the order of a round: A B, B A, A B and so on, so that a slow minute of the machine affects both alike.
    static func order(ofRound round: Int, count: Int) -> [Int] {
        round.isMultiple(of: 2) ? Array(0..<count) : (0..<count).reversed()
    }

    /// Returns the name of a start, for progress: `starting the second image, run 2 of 5`.
    func name(ofStart index: Int, of count: Int, _ earlierRuns: Int) -> String {
        let side = count == 1 ? "" : index == 0 ? " the first image" : " the second image"
        let total = limit == .max || limit == 1 ? "" : " of \(limit)"
        return "starting\(side)" + (limit == 1 ? "" : ", run \(earlierRuns + 1)\(total)")
    }

    /// Runs all starts, and returns the measurement of each image.
    ///
    /// - Parameter start: Starts the image at an index once; the number of earlier runs selects the seed.
    func measure(
        _ count: Int, start: (_ index: Int, _ earlierRuns: Int) async throws -> StartMeasurement
    ) async throws -> [StartMeasurement] {
        if hasWarmUp { for index in 0..<count { _ = try await start(index, 0) } }
        var measurements = [[StartMeasurement]](repeating: [], count: count)
        let clock = ContinuousClock()
        let began = clock.now
        var (round, longest, elapsed) = (0, Duration.zero, Duration.zero)
        while allowsRound(round, elapsed: elapsed, longest: longest) {
            for index in RunPlan.order(ofRound: round, count: count) {
                measurements[index].append(try await start(index, round))
            }
            let now = began.duration(to: clock.now)
            (longest, elapsed) = (max(longest, now - elapsed), now)
            round += 1
        }
        return measurements.map { StartMeasurement(combining: $0) }
    }
}

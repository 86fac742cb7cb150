/// The comparison of the starts of two images.
public struct StartComparison: Sendable, Equatable {
    /// The figures that are compared.
    public enum Basis: String, Sendable {
        /// Counted work and waiting, from the start of the entrypoint to the first byte.
        case work
        /// Measured time to the first request.
        case time
    }

    /// The figures of the verdict.
    public let basis: Basis
    /// The compared figures: milliseconds of work and waiting for counted starts, else of the host's clock.
    public let total: SampleComparison
    /// The instructions of the entrypoint until the first byte; nil for measured time.
    public let instructions: SampleComparison?
    /// The milliseconds of waiting in the same phases; nil for measured time.
    public let waiting: SampleComparison?

    /// The result.
    public var verdict: SampleComparison.Verdict { total.verdict }

    /// The difference of counted figures that does not matter, in milliseconds: the interval of init's probes.
    private static let floor = 1.0

    /// Compares earlier times with a measurement under the same conditions.
    public init(timeBefore before: Statistics, _ after: StartMeasurement) {
        (basis, instructions, waiting) = (.time, nil, nil)
        total = SampleComparison(timesBefore: before, after: after.timeToFirstRequest)
    }

    /// Compares two measurements of the same engine.
    ///
    /// - Throws: ``ColdStartError/unlikeStarts(_:)`` if a difference would not be one of the images.
    public init(_ before: StartMeasurement, _ after: StartMeasurement) throws(ColdStartError) {
        if before.engine != after.engine { throw .unlikeStarts("engine") }
        if let difference = before.fingerprint.difference(to: after.fingerprint) { throw .unlikeStarts(difference) }
        guard let first = before.work?.entrypoint, let second = after.work?.entrypoint else {
            (basis, instructions, waiting) = (.time, nil, nil)
            total = SampleComparison(timesBefore: before.timeToFirstRequest, after: after.timeToFirstRequest)
            return
        }
        basis = .work
        total = SampleComparison(countedBefore: first.total, after: second.total, floor: StartComparison.floor)
        instructions = SampleComparison(
            countedBefore: first.instructions, after: second.instructions, floor: StartComparison.floor * 1e6)
        waiting = SampleComparison(countedBefore: first.waiting, after: second.waiting, floor: StartComparison.floor)
    }
}

extension WorkSummary {
    /// The median of the instructions from the start of the entrypoint to the first byte; nil if there is no such phase.
    public var programInstructions: Double? { entrypoint?.instructions.median }

    /// The figures of the phases from the start of the entrypoint on, a sample for each run.
    struct EntrypointFigures {
        let instructions: Statistics
        let waiting: Statistics
        let total: Statistics
    }

    /// The part of the image itself: no kernel and no init; nil if there is none.
    var entrypoint: EntrypointFigures? {
        let own = phases.indices.filter { [.exec, .listen, .firstByte].contains(phases[$0].name) }
        let runs = instructions.samples.indices
        let work = runs.map { run in own.reduce(0.0) { $0 + Double(phases[$1].instructions.samples[run]) } }
        let waits = runs.map { run in own.reduce(0.0) { $0 + phaseWaiting[$1].samples[run] } }
        guard !own.isEmpty, let instructions = Statistics(work), let waiting = Statistics(waits),
            let total = Statistics(zip(work, waits).map { $0 / 1e6 + $1 })
        else { return nil }
        return EntrypointFigures(instructions: instructions, waiting: waiting, total: total)
    }
}

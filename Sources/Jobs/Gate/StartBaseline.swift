internal import ColdStart
internal import Linux
internal import OCI

/// The figures of an earlier start, as `thaw boot --save-baseline` writes them.
struct StartBaseline: Sendable, Equatable {
    /// The conditions of the start.
    let fingerprint: Fingerprint
    /// The number of runs.
    let runs: Int
    /// The milliseconds of the runs.
    let samples: [Double]
    /// The counted instructions of each phase; empty for measured time.
    let work: [String: Double]
    /// The waiting of the whole start in milliseconds.
    let waiting: Double?
    /// The peak memory of the program in bytes.
    let peakMemory: Double?
    /// The bytes that were read from the disk.
    let diskBytes: Double?

    /// The parts of the work; nil for a baseline without them.
    let attribution: WorkProfile?

    /// The share by which counted figures, and those of the disk, may grow.
    private static let tolerance = 0.005
    /// The share by which the peak memory may grow; the kernel rounds it.
    private static let memoryTolerance = 0.01
    /// The growth that does not matter: init probes once per millisecond, and an instruction takes a nanosecond.
    private static let floor = (milliseconds: 1.0, instructions: 1e6)

    /// True if the start was counted.
    var isCounted: Bool { !work.isEmpty }

    /// Reads a document of `thaw boot`; nil for another one.
    init?(_ document: JSON) {
        guard document["kind"]?.string == "boot", let conditions = document["fingerprint"]?.object,
            let samples = document["timeToFirstRequestMs"]?["samples"]?.array?.compactMap(\.double), !samples.isEmpty
        else { return nil }
        var fingerprint = Fingerprint()
        for name in conditions.keys.sorted() { fingerprint.add(name, conditions[name]?.string ?? "") }
        self.fingerprint = fingerprint
        (self.samples, runs) = (samples, samples.count)
        var work: [String: Double] = [:]
        if let phases = document["work"]?["byPhase"]?.object { work = phases.compactMapValues(\.double) }
        self.work = work
        waiting = document["waitingMs"]?["median"]?.double
        peakMemory = document["peakGuestMemoryBytes"]?.double
        diskBytes = document["diskBytesRead"]?.double
        attribution = document["attribution"].flatMap { WorkProfile($0) }
    }

    /// Compares a start with the baseline.
    func rules(for now: StartMeasurement) throws -> [GateRule] {
        if let difference = fingerprint.difference(to: now.fingerprint) {
            return [
                GateRule(
                    "baseline", limit: 0,
                    inconclusive: "the starts can't be compared, since they differ in \(difference)")
            ]
        }
        let memory = rule(
            "baseline-memory", .bytes, before: peakMemory, now: now.peakGuestMemoryBytes.map(Double.init),
            tolerance: Self.memoryTolerance)
        let disk = rule(
            "baseline-disk", .bytes, before: diskBytes, now: now.diskBytesRead?.median, tolerance: Self.tolerance)
        return (isCounted ? counted(now) : [try time(now)]) + [memory, disk].compactMap(\.self)
    }

    private func counted(_ now: StartMeasurement) -> [GateRule] {
        let phases = (now.work?.phases ?? []).compactMap { phase in
            rule(
                "baseline-work-\(phase.name.rawValue)", .count, before: work[phase.name.rawValue],
                now: Double(phase.instructions.median), tolerance: Self.tolerance, floor: Self.floor.instructions)
        }
        let waits = rule(
            "baseline-waiting", .milliseconds, before: waiting, now: now.work?.waiting.median,
            tolerance: Self.tolerance, floor: Self.floor.milliseconds)
        return phases + [waits].compactMap(\.self)
    }

    private func rule(
        _ name: String, _ unit: BudgetVerdict.Unit, before: Double?, now: Double?, tolerance: Double, floor: Double = 0
    ) -> GateRule? {
        guard let before, let now else { return nil }
        let limit = before + max(before * tolerance, floor)
        let change = now - before
        return GateRule(
            name, unit, limit: limit, measured: now,
            summary: "\(unit.text(now)), \(change < 0 ? "" : "+")\(unit.text(change)) against the baseline")
    }

    private func time(_ now: StartMeasurement) throws -> GateRule {
        guard let before = Statistics(samples) else { preconditionFailure("a baseline has samples") }
        let comparison = StartComparison(timeBefore: before, now)
        let limit = before.median
        guard now.isAccelerated else {
            return GateRule(
                "baseline-time", limit: limit, inconclusive: "the time of an emulated machine is not compared")
        }
        return switch comparison.verdict {
        case .unknown: GateRule("baseline-time", limit: limit, inconclusive: comparison.text)
        case .slower:
            GateRule(
                "baseline-time", .milliseconds, limit: limit,
                measured: max(now.timeToFirstRequest.median, limit.nextUp), summary: comparison.text)
        case .faster, .same:
            GateRule(
                "baseline-time", .milliseconds, limit: max(limit, now.timeToFirstRequest.median),
                measured: now.timeToFirstRequest.median, summary: comparison.text)
        }
    }
}

extension JSON {
    /// The value of a number of any kind.
    var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .literal(let text): Double(text)
        default: nil
        }
    }
}

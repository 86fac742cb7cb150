internal import Guest

/// The work and the waiting of one start in a machine whose clock counts one nanosecond per instruction.
///
/// Until the entrypoint runs, every nanosecond is work: the kernel and init wait for no device. From then on work is the
/// processor time of the image's processes, in user mode and in system calls. The rest is waiting: timers, idle time,
/// and init's polling for the probe, which ends with the waiting.
struct GuestWork: Equatable {
    /// The instructions of each phase, in order.
    var phases: [(name: Phase.PhaseName, instructions: UInt64)] = []
    /// The waiting in each phase, in nanoseconds, in the order of ``phases``.
    var waiting: [UInt64] = []

    /// Makes work of these phases.
    init(phases: [(name: Phase.PhaseName, instructions: UInt64)], waiting: [UInt64]) {
        (self.phases, self.waiting) = (phases, waiting)
    }

    /// Reads the figures of a session; `nil` if the guest sent no processor times, or impossible ones.
    ///
    /// - Parameter ends: the phases with their ends in nanoseconds.
    init?(_ session: GuestSession, ends: [(Phase.PhaseName, UInt64)]) {
        var (begin, used) = (UInt64(0), session.cpuTimes[.executed])
        for (name, end) in ends {
            let duration = end - begin
            var instructions = duration
            if let mark = name.countedMark {
                guard let before = used, let after = session.cpuTimes[mark], after >= before else { return nil }
                instructions = (after - before) * 1000
                used = after
            }
            // The figure is rounded to microseconds at both ends.
            guard instructions <= duration + 1000 else { return nil }
            phases.append((name, instructions))
            waiting.append(duration - min(duration, instructions))
            begin = end
        }
    }

    var instructions: UInt64 { phases.reduce(0) { $0 + $1.instructions } }
    var waitingNanoseconds: UInt64 { waiting.reduce(0, +) }

    static func == (a: GuestWork, b: GuestWork) -> Bool {
        a.waiting == b.waiting && a.phases.elementsEqual(b.phases) { $0 == $1 }
    }
}

extension Phase.PhaseName {
    /// The mark at the end of a phase in which the image's processes run.
    fileprivate var countedMark: Message.Mark? {
        switch self {
        case .listen: .listening
        case .firstByte: .firstByte
        case .restore, .vmm, .kernel, .`init`, .exec: nil
        }
    }
}

/// The work and the waiting of several starts.
public struct WorkSummary: Sendable, Equatable {
    /// The instructions of the whole start.
    public let instructions: InstructionCount
    /// The instructions of each phase, in order.
    public let phases: [(name: Phase.PhaseName, instructions: InstructionCount)]
    /// The waiting of the whole start, in milliseconds of the guest's clock.
    public let waiting: Statistics
    /// The waiting in each phase, in milliseconds, in the order of ``phases``.
    public let phaseWaiting: [Statistics]

    /// Combines the runs; `nil` if there are none.
    init?(_ runs: [GuestWork]) {
        guard let waiting = Statistics(runs.map { Double($0.waitingNanoseconds) / 1e6 }), let first = runs.first else {
            return nil
        }
        // The runs of one scenario have the same phases.
        let runs = runs.filter { $0.phases.map(\.name) == first.phases.map(\.name) }
        self.waiting = waiting
        instructions = InstructionCount(samples: runs.map(\.instructions))
        phases = first.phases.indices.map { index in
            (first.phases[index].name, InstructionCount(samples: runs.map { $0.phases[index].instructions }))
        }
        phaseWaiting = first.phases.indices.compactMap { index in
            Statistics(runs.map { Double($0.waiting[index]) / 1e6 })
        }
    }

    public static func == (a: WorkSummary, b: WorkSummary) -> Bool {
        a.instructions == b.instructions && a.waiting == b.waiting && a.phaseWaiting == b.phaseWaiting
            && a.phases.elementsEqual(b.phases) { $0 == $1 }
    }
}

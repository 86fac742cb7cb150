internal import Linux
internal import MicroVM
internal import SystemPackage

/// What becomes of a machine whose guest's probe has passed: it is asked from outside, and ended or kept.
struct Afterlife: Sendable {
    /// What came of it.
    struct Outcome: Sendable {
        /// What the host saw, where it asked.
        var answer: HostAnswer?
        /// How many pages the machine's process had been given when the guest's probe had passed.
        var pageFaults: UInt64?
        /// What the guest had read of its disk until then.
        var diskUse: DiskUse?
        /// The time was over before.
        var isImpatient = false
    }

    let probe: HostProbe?
    /// Goes on with the machine instead of ending it; is told what the host saw.
    let keep: (@Sendable (Outcome, MachineProcess) -> Void)?

    /// Waits for the probe to pass on a thread of its own, and does the rest there; the machine may run longer.
    func begin(
        _ machine: MachineProcess, _ listener: DoorbellListener, until deadline: UInt64, leaving parcel: Parcel<Outcome>
    ) throws(MachineError) {
        let isBegun = WorkerThread.startIfPossible {
            guard let hasPassed = listener.passed.wait(until: deadline) else {
                parcel.leave(Outcome(isImpatient: true))
                return machine.stop()
            }
            guard hasPassed else { return parcel.leave(Outcome()) }
            var outcome = Outcome(pageFaults: machine.pageFaults, diskUse: machine.diskUse)
            outcome.answer = probe.map { probe in
                listener.obstacle.map { HostAnswer.failed(reason: $0) } ?? probe.ask()
            }
            if let keep {
                keep(outcome, machine)
                parcel.leave(outcome)
            } else {
                parcel.leave(outcome)
                machine.stop()
            }
        }
        guard isBegun else { throw .host("start a thread", nil, .resourceTemporarilyUnavailable) }
    }

    /// What is said of it where it has not come to its end long after its machine.
    var overdue: Outcome {
        Outcome(answer: probe.map { _ in .failed(reason: "the answer did not come while the machine lived") })
    }
}

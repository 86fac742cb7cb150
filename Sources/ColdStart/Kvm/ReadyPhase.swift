internal import Linux
internal import MicroVM
internal import SystemPackage

/// The ready phase of a machine, after its guest's probe has passed: the host's request, then the end or `keep`.
struct ReadyPhase: Sendable {
    /// The result of the ready phase.
    struct ReadyResult: Sendable {
        /// The result of the host's request; `nil` if it made none.
        var hostProbe: HostProbeSummary?
        /// The page faults of the machine's process until the guest's probe passed.
        var pageFaults: UInt64?
        /// The guest's reads from its disk until then.
        var diskReads: DiskReads?
        /// True if the probe did not pass before the deadline.
        var hasTimedOut = false
    }

    let probe: HostProbe?
    /// Keeps the machine instead of ending it; receives the result.
    let keep: (@Sendable (ReadyResult, MachineProcess) -> Void)?

    /// Waits for the probe on a thread of its own, and does the rest there; the machine may run longer.
    func begin(
        _ machine: MachineProcess, _ listener: DoorbellListener, until deadline: UInt64,
        into result: OneShot<ReadyResult>
    ) throws(MachineError) {
        let isBegun = WorkerThread.startIfPossible {
            guard let hasPassed = listener.passed.wait(until: deadline) else {
                result.fulfill(ReadyResult(hasTimedOut: true))
                return machine.stop()
            }
            guard hasPassed else { return result.fulfill(ReadyResult()) }
            var outcome = ReadyResult(pageFaults: machine.pageFaults, diskReads: machine.diskReads)
            outcome.hostProbe = probe.map { probe in
                listener.unreachableReason.map { HostProbeSummary.failed(reason: $0) } ?? probe.run()
            }
            if let keep {
                keep(outcome, machine)
                result.fulfill(outcome)
            } else {
                result.fulfill(outcome)
                machine.stop()
            }
        }
        guard isBegun else { throw .host("start a thread", nil, .resourceTemporarilyUnavailable) }
    }

    /// The result if the ready phase didn't finish before the deadline.
    var timeoutOutcome: ReadyResult {
        ReadyResult(hostProbe: probe.map { _ in .failed(reason: "there was no response before the machine ended") })
    }
}

internal import CLinux
internal import Glibc
internal import Guest
internal import MicroVM
internal import SystemPackage

/// One life of our own machine, until the guest has said all that matters or the patience is over.
struct KvmRun {
    let configuration: MachineConfiguration
    let scenario: Scenario
    let current: CurrentMachine

    /// For init's first word, in nanoseconds; from there the scenario's own time counts.
    private static let bootPatience: UInt64 = 60_000_000_000
    /// What init may take beyond the scenario's time, which it watches itself.
    private static let grace: UInt64 = 10_000_000_000

    /// Boots, and saves the machine where the guest stands still.
    func boot(savingTo snapshot: FilePath?, identity: [UInt8]) throws(ColdStartError) -> Run {
        let listener = DoorbellListener(scenario.probe)
        return try live(listener, boot: KvmRun.bootPatience) { () throws(MachineError) in
            try Machine(configuration) { listener.receive($0, at: $1) }
        } whenHeld: { machine throws(MachineError) in
            if let snapshot { try machine.save(to: snapshot, identity: identity) }
        }
    }

    /// Goes on from a snapshot.
    func restore(_ snapshot: borrowing SnapshotFile) throws(ColdStartError) -> Run {
        let listener = DoorbellListener(scenario.probe)
        let before = KvmRun.pageFaults()
        let awakening = Awakening.now().encode()
        let machine: Machine
        do throws(MachineError) {
            machine = try Machine(restoring: snapshot, configuration, reply: awakening) { listener.receive($0, at: $1) }
        } catch { throw ColdStartError(error) }
        var run = try live(listener, boot: 0) {
            machine
        } whenHeld: { _ in
        }
        run.pageFaults = KvmRun.pageFaults() - before
        return run
    }

    private func live(
        _ listener: DoorbellListener, boot: UInt64, _ make: () throws(MachineError) -> Machine,
        whenHeld: (Machine) throws(MachineError) -> Void
    ) throws(ColdStartError) -> Run {
        let outcome: Machine.Outcome
        let (console, entered): ([UInt8], UInt64)
        do throws(MachineError) {
            let machine = try make()
            guard current.begin(machine) else { throw .impossible("it was cancelled") }
            defer { machine.stop() }
            outcome = machine.run(until: listener.start + boot + scenario.timeout.nanoseconds + KvmRun.grace)
            (console, entered) = (machine.console, machine.enteredAt)
            if outcome == .held { try whenHeld(machine) }
        } catch { throw current.isCancelled ? .cancelled : ColdStartError(error) }
        return try listener.result(
            console, entered: entered, try end(outcome), timeout: scenario.timeout, boot: boot)
    }

    private func end(_ outcome: Machine.Outcome) throws(ColdStartError) -> Session.End {
        switch outcome {
        case .ended(.finished), .held: .done
        case .ended(.reset): .closed
        case .ended(.stopped): .cancelled
        case .ended(.timedOut): .impatient
        case .ended(.failed(let reason)): throw .emulatorFailed(reason: reason)
        }
    }

    /// How many pages this process has had to be given so far; a machine's are among them.
    private static func pageFaults() -> UInt64 {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return UInt64(usage.ru_minflt + usage.ru_majflt)
    }
}

extension Awakening {
    /// The host's time, and randomness for one guest.
    static func now() -> Awakening {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        let entropy = (0..<entropyLength).map { _ in UInt8.random(in: .min ... .max) }
        return Awakening(seconds: UInt64(time.tv_sec), nanoseconds: UInt32(time.tv_nsec), entropy: entropy)
    }
}

extension ColdStartError {
    /// What the machine says, in the words of a start.
    init(_ error: MachineError) {
        self =
            switch error {
            case .unbootableKernel, .impossible, .brokenSnapshot: .impossibleScenario(error.description)
            case .host(let operation, let path, let errno): .file(operation, path, errno)
            case .unavailable, .incapable, .refused, .guestFault: .machineUnavailable(error.description)
            }
    }
}

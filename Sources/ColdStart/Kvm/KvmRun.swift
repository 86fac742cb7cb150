internal import CLinux
internal import Glibc
internal import Guest
internal import MicroVM
internal import Sandbox
internal import SystemPackage

/// One run of our own machine, until the guest's last message or a timeout.
struct KvmRun {
    let configuration: MachineConfiguration
    let scenario: Scenario
    let current: CurrentMachine
    let scratch: FilePath
    let network: MachineNetwork
    /// Exists as long as the machine's process.
    let group: ProcessGroup?
    /// The published ports of a kept machine, and the callback with its measurement.
    var keptMachine: (ports: [KeptMachine.ForwardedPort], onMeasured: @Sendable (StartFigures) -> Void)?

    /// The timeout for init's first message, in nanoseconds; after it the scenario's timeout counts.
    private static let bootTimeout: UInt64 = 60_000_000_000
    /// The extra time for init, which watches the scenario's timeout itself, and for the host's request after that.
    private static let grace: UInt64 = 20_000_000_000

    /// Boots these files, and saves the machine at the point where it is paused.
    func boot(
        _ files: BootFiles, savingTo snapshot: FilePath?, identity: [UInt8]
    ) throws(ColdStartError) -> StartFigures {
        // Freed once it is in the guest's memory, so that a machine doesn't count both.
        var initramfs = try files.archive()
        clinux_trim_heap()
        let resources = try MachineResources(in: scratch, network)
        let configuration = resources.complete(configuration)
        let listener = try DoorbellListener(scenario)
        return try execute(listener, with: resources, boot: KvmRun.bootTimeout) { () throws(MachineError) in
            var whole = configuration
            swap(&whole.initramfs, &initramfs)
            return try MachineProcess(whole, jail, savingTo: snapshot) { listener.receive($0, at: $1) }
        } whenPaused: { machine throws(MachineError) in
            if snapshot != nil { try machine.save(identity: identity) }
        }
    }

    private var jail: MachineJail { MachineJail(groups: group?.lists ?? []) }

    /// Continues from a snapshot.
    func restore(_ snapshot: borrowing SnapshotFile) throws(ColdStartError) -> StartFigures {
        clinux_trim_heap()
        let resources = try MachineResources(in: scratch, network)
        let configuration = resources.complete(configuration)
        let listener = try DoorbellListener(scenario)
        let machine: MachineProcess
        do throws(MachineError) {
            machine = try MachineProcess(restoring: snapshot, configuration, jail) { listener.receive($0, at: $1) }
        } catch { throw ColdStartError(error) }
        return try execute(listener, with: resources, boot: scenario.timeout.nanoseconds, isRestored: true) {
            machine
        } whenPaused: { _ in
        }
    }

    private func execute(
        _ listener: DoorbellListener, with resources: borrowing MachineResources, boot: UInt64,
        isRestored: Bool = false,
        _ make: () throws(MachineError) -> MachineProcess, whenPaused: (MachineProcess) throws(MachineError) -> Void
    ) throws(ColdStartError) -> StartFigures {
        let published = try publish()
        defer { for port in published { port.close() } }
        let deadline = listener.start + boot + scenario.totalTimeout.nanoseconds + KvmRun.grace
        let readyPhase = readyPhase(
            listener, published: published, socket: resources.socket, boot: boot, isRestored: isRestored)
        let readyResult = try OneShot<ReadyPhase.ReadyResult>()
        let outcome: Machine.RunOutcome
        let (console, entered): ([UInt8], UInt64)
        let (exits, overhead, remark): (UInt64, UInt64?, String?)
        let readyOutcome: ReadyPhase.ReadyResult
        do throws(MachineError) {
            let machine = try make()
            defer { machine.close() }
            guard current.begin(machine) else { throw .impossible("the run was cancelled") }
            try readyPhase.begin(machine, listener, until: deadline, into: readyResult)
            // Read as late as possible, because the guest gets the host's time.
            let reply = isRestored ? ResumeInfo.now().encode() : []
            outcome = machine.run(until: keptMachine == nil ? deadline : .max, reply: reply)
            listener.passed.fulfill(false)
            if outcome == .paused { try whenPaused(machine) }
            readyOutcome = readyResult.wait(until: hostClock() + KvmRun.grace) ?? readyPhase.timeoutOutcome
            (console, entered) = (machine.console, machine.enteredAt)
            (exits, overhead, remark) = (machine.exitCount, machine.overheadBytes, machine.kernelRemark)
        } catch { throw current.isCancelled ? .cancelled : ColdStartError(error) }
        scenario.onRunEnd(listener.console(console))
        let end = readyOutcome.hasTimedOut ? .timedOut : try end(outcome)
        var run = try listener.result(console, entered: entered, end, timeout: scenario.timeout, boot: boot)
        (run.exits, run.overheadBytes) = (exits, overhead)
        return run.completed(by: readyOutcome, isRestored, remark)
    }

    private func publish() throws(ColdStartError) -> [PublishedPort] {
        try (keptMachine?.ports ?? []).map { port throws(ColdStartError) in try PublishedPort(port) }
    }

    private func readyPhase(
        _ listener: DoorbellListener, published: [PublishedPort], socket: FilePath, boot: UInt64, isRestored: Bool
    ) -> ReadyPhase {
        var probe: HostProbe?
        if scenario.probeSet == nil, case .http(let request) = scenario.probe {
            probe = HostProbe(socket: socket, request: request, start: listener.start)
        }
        guard let keptMachine else { return ReadyPhase(probe: probe, keep: nil) }
        let timeout = scenario.timeout
        return ReadyPhase(probe: probe) { outcome, machine in
            for port in published { port.serve(through: socket) }
            machine.refresh()
            let run = try? listener.result(
                machine.console, entered: machine.enteredAt, .done, timeout: timeout, boot: boot)
            if let run { keptMachine.onMeasured(run.completed(by: outcome, isRestored, machine.kernelRemark)) }
        }
    }

    private func end(_ outcome: Machine.RunOutcome) throws(ColdStartError) -> GuestSession.HostStop {
        switch outcome {
        case .ended(.finished), .paused: .done
        case .ended(.reset): .closed
        case .ended(.stopped): .cancelled
        case .ended(.timedOut): .timedOut
        case .ended(.failed(let reason)): throw .emulatorFailed(reason: reason)
        }
    }
}

extension StartFigures {
    /// Returns the run with the results after its probe, and the kernel's remark.
    fileprivate func completed(by outcome: ReadyPhase.ReadyResult, _ isRestored: Bool, _ remark: String?)
        -> StartFigures
    {
        var run = self
        (run.hostProbe, run.diskReads, run.kernelRemark) = (outcome.hostProbe, outcome.diskReads, remark)
        // Page faults of a boot only reflect its memory size.
        if isRestored { run.pageFaults = outcome.pageFaults }
        return run
    }
}

extension ResumeInfo {
    /// The host's time, and random bytes for one guest.
    static func now() -> ResumeInfo {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        let entropy = (0..<entropyLength).map { _ in UInt8.random(in: .min ... .max) }
        return ResumeInfo(seconds: UInt64(time.tv_sec), nanoseconds: UInt32(time.tv_nsec), entropy: entropy)
    }
}

extension ColdStartError {
    /// Converts an error of the machine to an error of a start.
    init(_ error: MachineError) {
        self =
            switch error {
            case .unbootableKernel, .impossible, .brokenSnapshot: .impossibleScenario(error.description)
            case .host(let operation, let path, let errno): .file(operation, path, errno)
            case .unavailable, .incapable, .refused, .guestFault: .machineUnavailable(error.description)
            }
    }
}

import CInit

/// PID 1 of a measured start, in our virtual machine, in QEMU's, or in a container.
///
/// It reads its boot spec, sets up the machine, starts the image's entrypoint, and reports every step as a frame. It is
/// done when the probe passes. A failure is reported as a frame too; without a link, init only exits.
@main
struct Start {
    let clock: GuestTime
    let spec: BootSpec
    let channel: HostChannel

    /// In a machine the boot spec is in the initramfs; a container passes its path.
    static func main() {
        let clock = now()
        let path = firstArgument()
        if path == nil { SystemSetup.mountDevices() }
        guard let file = contents(of: path ?? bytes("/orders")), let spec = BootSpec(decoding: file) else {
            cinit_exit(81)
        }
        guard let channel = HostChannel(spec.channel) else { cinit_exit(82) }
        channel.send(.mark(.started, clock))
        Start(clock: clock, spec: spec, channel: channel).serve()
        if path == nil { cinit_power_off() }
        cinit_exit(0)
    }

    private static func firstArgument() -> [UInt8]? {
        guard let text = cinit_argument(1) else { return nil }
        var argument: [UInt8] = []
        while text[argument.count] != 0 { argument.append(UInt8(bitPattern: text[argument.count])) }
        return argument
    }

    private func serve() {
        do throws(Message.StartFailure) {
            // A kernel without samples still reports threads and opened files.
            if spec.recordsStart { _ = cinit_start_samples(Message.Samples.period) }
            let lateModules = spec.runtime == .machine ? try prepareMachine() : []
            let observer = spec.recordsOpenedFiles || spec.recordsStart ? startObserving() : nil
            let signals = cinit_signal_descriptor()
            let child = try ImageCommand(spec.arguments, of: spec).start()
            channel.mark(.executed)
            channel.sendCPUTime(at: .executed, of: spec)
            let deadline = clock.nanoseconds &+ UInt64(spec.timeoutMilliseconds) * 1_000_000
            var supervisor = Supervisor(
                child, spec: spec, lateModules: lateModules, channel: channel, signals: signals, deadline: deadline,
                observer: observer)
            let verdict = supervisor.run()
            if verdict == .passed { checkEnd(&supervisor) }
            if let peak = supervisor.peakMemory() { channel.send(.peakMemory(peak)) }
            channel.send(.finished(verdict))
            if verdict == .passed, case .doorbell = channel { channel.send(.finished(supervisor.superviseUntilExit())) }
        } catch {
            channel.send(.failed(error))
            channel.send(.finished(.failed))
        }
    }

    /// Stops the entrypoint as a platform does, unless the machine continues.
    private func checkEnd(_ supervisor: inout Supervisor) {
        guard spec.checksTermination else { return }
        var continues = false
        if case .doorbell = channel { continues = true }
        if let termination = supervisor.terminate(isSent: !continues) { channel.send(.termination(termination)) }
    }

    /// Starts to observe opened files; on a failure the probes run without it, and the host gets the reason.
    private func startObserving() -> OpenObserver? {
        do throws(Message.StartFailure) { return try OpenObserver(keepsRecord: spec.recordsStart) } catch {
            channel.send(.probeEvent(.observationFailed(error.errno)))
            return nil
        }
    }

    /// Sets up the machine; returns the open files of the late modules, which are unreachable by path afterwards.
    private func prepareMachine() throws(Message.StartFailure) -> [OpenModule] {
        let machine = SystemSetup(spec: spec)
        var lateModules: [OpenModule] = []
        for module in spec.lateModules { lateModules.append(try OpenModule(module)) }
        try machine.enterRoot()
        channel.mark(.rootMounted)
        try machine.prepareSystem()
        return lateModules
    }
}

internal import Guest
internal import Linux
internal import SystemPackage

/// One boot: QEMU from its start until the guest has said all that matters, or the patience is over.
///
/// QEMU's descriptor 1 carries the frames, 2 the console and QEMU's own complaints, 3 is the initramfs.
struct QemuRun {
    /// How long the host waits for what.
    struct Patience {
        /// For init's first word, in nanoseconds. A KVM below another hypervisor may need half a minute.
        let boot: UInt64
        /// From there to its last; init itself gives up earlier.
        let service: UInt64

        init(_ scenario: Scenario, _ acceleration: QemuCommand.Acceleration) {
            let second: UInt64 = 1_000_000_000
            boot = acceleration == .kvm ? 60 * second : 90 * second
            // A counted second may take several real ones.
            service = scenario.patience.nanoseconds * (acceleration.isCounted ? 20 : 1) + 20 * second
        }
    }

    var command: QemuCommand
    let scenario: Scenario
    let patience: Patience
    let canceller: Canceller

    /// Boots once.
    func start(_ initramfs: Int32) throws(ColdStartError) -> Run {
        let (session, end): (Session, Session.End)
        do throws(SystemError) {
            (session, end) = try watch(initramfs)
        } catch { throw .file(error.operation, error.path, error.errno) }
        scenario.whenOver(Console(text: session.console.text))
        let clocking: Clocking = command.acceleration.isCounted ? .instructions : .host
        return try session.result(end, by: clocking, timeout: scenario.timeout, boot: patience.boot)
    }

    private func watch(_ initramfs: Int32) throws(SystemError) -> (Session, Session.End) {
        var frames = try Pipe()
        var console = try Pipe()
        var watch = Watch(
            session: Session(
                probe: scenario.probe, interview: scenario.interview, start: hostClock(),
                memory: scenario.memoryBytes),
            run: self)
        var qemu = try ChildProcess(
            command.arguments, descriptors: [frames.writing, console.writing, initramfs], diesWithThread: true)
        frames.closeWriting()
        console.closeWriting()
        let end = try watch.run(frames.reading, console.reading)
        qemu.kill()
        _ = qemu.wait()
        return (watch.session, end)
    }

    private struct Watch {
        var session: Session
        let run: QemuRun

        /// Passes on what comes, stamped as it comes, until there is an end.
        mutating func run(
            _ frames: borrowing OwnedDescriptor, _ console: borrowing OwnedDescriptor
        ) throws(SystemError) -> Session.End {
            let stop = run.canceller.reading.rawValue
            var open: Set<Int32> = [frames.rawValue, console.rawValue]
            while !session.isDone, !open.isEmpty {
                let watched = [stop] + open.sorted()
                let ready = try waitForInput(watched, until: deadline)
                let now = hostClock()
                guard ready.contains(true) else { return .impatient }
                if ready[0] { return .cancelled }
                for (descriptor, isReady) in zip(watched, ready) where isReady {
                    let isFrames = descriptor == frames.rawValue
                    let bytes = try isFrames ? frames.read(1 << 16) : console.read(1 << 16)
                    if bytes.isEmpty { open.remove(descriptor) }
                    if isFrames { session.receive(bytes, at: now) } else { session.receiveConsole(bytes) }
                }
            }
            return session.isDone ? .done : .closed
        }

        private var deadline: UInt64 {
            guard let started = session.marks[.started] else { return session.start + run.patience.boot }
            return started.host + run.patience.service
        }
    }
}

extension ColdStartError {
    /// Nothing of the guest was heard, so the way of running it may be to blame.
    var isMachineSilent: Bool {
        switch self {
        case .silent, .emulatorFailed, .panicked: true
        default: false
        }
    }
}

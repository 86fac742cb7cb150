internal import Guest
internal import Linux
internal import Sandbox
internal import SystemPackage

/// One boot: QEMU from its start until the guest's last message or a timeout.
struct QemuRun {
    /// The timeouts of the host.
    struct Timeouts {
        /// For init's first message, in nanoseconds; nested KVM may need half a minute.
        let boot: UInt64
        /// From there to its last message, in nanoseconds; init itself times out earlier.
        let service: UInt64

        init(_ scenario: Scenario, _ acceleration: QemuCommand.Acceleration) {
            let second: UInt64 = 1_000_000_000
            boot = acceleration == .kvm ? 60 * second : 90 * second
            // On an overloaded host init needs a multiple of its own time to report that it is over. One counted second
            // may take several real ones.
            let total = scenario.totalTimeout.nanoseconds
            service = total * (acceleration.isCounted ? 20 : 1) + max(20 * second, total)
        }
    }

    var command: QemuCommand
    let scenario: Scenario
    let timeouts: Timeouts
    let canceller: Canceller
    let sources: QemuSources
    let group: ProcessGroup?

    /// Boots once.
    func start(kernel: Int32, initramfs: Int32, disk: Int32) throws(ColdStartError) -> StartFigures {
        let (session, end, emulator): (GuestSession, GuestSession.HostStop, EmulatorEnd)
        do throws(SystemError) {
            (session, end, emulator) = try watch(kernel: kernel, initramfs: initramfs, disk: disk)
        } catch { throw .file(error.operation, error.path, error.errno) }
        scenario.onRunEnd(Console(text: session.console.text))
        let phaseClock: PhaseClock = command.acceleration.isCounted ? .instructions : .host
        return try session.result(
            end, emulator: emulator, by: phaseClock, timeout: scenario.timeout, boot: timeouts.boot)
    }

    private func watch(
        kernel: Int32, initramfs: Int32, disk: Int32
    ) throws(SystemError) -> (GuestSession, GuestSession.HostStop, EmulatorEnd) {
        var frames = try OutputPipe()
        var console = try OutputPipe()
        var messages = try OutputPipe()
        var watch = SessionWatch(
            session: GuestSession(
                probe: scenario.probe, probeSet: scenario.probeSet, start: hostClock(),
                memory: scenario.memoryBytes),
            run: self)
        let files = QemuJail.Files(
            kernel: kernel, initramfs: initramfs, disk: disk, frames: frames.writing, console: console.writing,
            messages: messages.writing)
        var qemu = try launch(files)
        frames.closeWriting()
        console.closeWriting()
        messages.closeWriting()
        let end = try watch.run(frames.reading, console.reading, messages.reading)
        let used = qemu.processorTime
        // An exit that has begun keeps its status: the pipe of QEMU's messages closes with the process.
        qemu.kill()
        let emulator = EmulatorEnd(
            exitStatus: qemu.wait(), message: watch.messages.lastLine, processorTime: used)
        return (watch.session, end, emulator)
    }

    /// Starts QEMU in the strictest jail that this host supports.
    private func launch(_ files: QemuJail.Files) throws(SystemError) -> ChildProcess {
        var failure = SystemError("start QEMU", nil, .notPermitted)
        for jail in try QemuJail.all() {
            var command = command
            command.paths = jail.paths
            do throws(SystemError) { return try jail.start(command, files, sources: sources, group: group) } catch {
                failure = error
            }
        }
        throw failure
    }

    private struct SessionWatch {
        var session: GuestSession
        let run: QemuRun
        /// QEMU's stderr.
        private(set) var messages = Transcript()

        init(session: GuestSession, run: QemuRun) { (self.session, self.run) = (session, run) }

        /// Passes on frames and console output with their time, until the session ends.
        mutating func run(
            _ frames: borrowing OwnedDescriptor, _ console: borrowing OwnedDescriptor,
            _ errors: borrowing OwnedDescriptor
        ) throws(SystemError) -> GuestSession.HostStop {
            let stop = run.canceller.reading.rawValue
            var open: Set<Int32> = [frames.rawValue, console.rawValue, errors.rawValue]
            while !session.isDone, !open.isEmpty {
                let watched = [stop] + open.sorted()
                let ready = try waitForInput(watched, until: deadline)
                let now = hostClock()
                guard ready.contains(true) else { return .timedOut }
                if ready[0] { return .cancelled }
                for (descriptor, isReady) in zip(watched, ready) where isReady {
                    let bytes: [UInt8]
                    switch descriptor {
                    case frames.rawValue:
                        bytes = try frames.read(1 << 16)
                        session.receive(bytes, at: now)
                    case console.rawValue:
                        bytes = try console.read(1 << 16)
                        session.receiveConsole(bytes)
                    default:
                        bytes = try errors.read(1 << 16)
                        messages.append(bytes)
                        session.receiveConsole(bytes)
                    }
                    if bytes.isEmpty { open.remove(descriptor) }
                }
            }
            return session.isDone ? .done : .closed
        }

        private var deadline: UInt64 {
            guard let started = session.marks[.started] else { return session.start + run.timeouts.boot }
            return started.host + run.timeouts.service
        }
    }
}

extension ColdStartError {
    /// True if the guest sent no message, so that the acceleration may be the cause.
    var isMachineSilent: Bool {
        switch self {
        case .silent, .emulatorFailed, .panicked: true
        default: false
        }
    }
}

internal import Guest
internal import Linux
internal import MicroVM
internal import Probe
internal import SystemPackage

/// The figures of one start that passed.
struct StartFigures {
    var phases: [(name: Phase.PhaseName, milliseconds: Double)] = []
    var milliseconds: Double
    var work: GuestWork?
    var response: ProbeResponse?
    var peakMemory: UInt64?
    var pageFaults: UInt64?
    var exits: UInt64?
    var overheadBytes: UInt64?
    var kernelRemark: String?
    var diskReads: DiskReads?
    var hostProbe: HostProbeSummary?
    var probeResults: ProbeResults?
    var findings: [StartFinding] = []
    /// The time from SIGTERM to the program's end; nil if it was not checked, or did not end.
    var terminationMilliseconds: Double?
    var trace = StartTrace()
    var console: String
}

/// The clock for the phases.
enum PhaseClock {
    /// The host's clock at the arrival of each mark.
    case host
    /// The guest's clock, which is the host's own in a container.
    case shared
    /// The guest's instruction counter: one per nanosecond since the machine was switched on.
    case instructions
}

extension StartFigures {
    /// Reads the figures of a session that passed; `nil` if its marks are incomplete or out of order.
    init?(_ session: GuestSession, by phaseClock: PhaseClock, hasKernel: Bool) {
        let marks = session.marks
        func position(_ mark: Message.Mark) -> UInt64? {
            guard let stamp = marks[mark] else { return nil }
            switch phaseClock {
            case .host: return stamp.host >= session.start ? stamp.host - session.start : 0
            case .shared: return stamp.guest.nanoseconds - min(stamp.guest.nanoseconds, session.start)
            case .instructions: return stamp.guest.cycles
            }
        }
        guard let started = position(.started), let executed = position(.executed), let end = position(.firstByte),
            let clock = marks[.started]?.guest
        else { return nil }
        var ends: [(Phase.PhaseName, UInt64)] = []
        if hasKernel {
            guard let mounted = position(.rootMounted) else { return nil }
            // Without that time the best guess is that the guest's clock began then.
            let entered = session.entered.map { $0 - session.start } ?? started - min(started, clock.nanoseconds)
            ends = [(.vmm, entered), (.kernel, started), (.`init`, mounted)]
        } else {
            ends = [(.`init`, started)]
        }
        ends.append((.exec, executed))
        if let listening = position(.listening) { ends.append((.listen, listening)) }
        ends.append((.firstByte, end))
        self.init(milliseconds: Double(end) / 1e6, console: session.console.text)
        var previous: UInt64 = 0
        for (name, position) in ends {
            guard position >= previous else { return nil }
            phases.append((name, Double(position - previous) / 1e6))
            previous = position
        }
        if case .instructions = phaseClock { work = GuestWork(session, ends: ends) }
        response = ProbeResponse(session.lastAttempt)
        peakMemory = session.peakMemory
        findings = StartFinding.all(session, phases)
        trace = StartTrace(session, phases, by: phaseClock)
        if case .ended(let milliseconds)? = session.termination { terminationMilliseconds = Double(milliseconds) }
        probeResults = session.recorder.map { $0.probeResults(session.exitStatus) }
    }
}

extension StartFigures {
    /// Reads the figures of a session that began with a snapshot; `nil` if it did not reach its end.
    init?(resumed session: GuestSession) {
        guard let resumed = session.marks[.resumed]?.host, let end = session.marks[.firstByte]?.host,
            session.start <= resumed, resumed <= end
        else { return nil }
        self.init(milliseconds: Double(end - session.start) / 1e6, console: session.console.text)
        phases = [
            (.restore, Double(resumed - session.start) / 1e6), (.firstByte, Double(end - resumed) / 1e6),
        ]
        response = ProbeResponse(session.lastAttempt)
        peakMemory = session.peakMemory
    }
}

extension GuestSession {
    /// The reason why a machine's host stopped listening.
    enum HostStop {
        case done
        case closed
        case timedOut
        case cancelled
    }

    /// Returns the figures of a machine's start, or throws the reason why it has none.
    ///
    /// - Parameters:
    ///   - emulator: the end of QEMU's process; nil for another engine.
    ///   - boot: the time that the host waited for init's first message, in nanoseconds.
    ///   - now: the time of the end on the host's clock.
    func result(
        _ end: HostStop, emulator: EmulatorEnd? = nil, by phaseClock: PhaseClock, timeout: Duration, boot: UInt64,
        now: UInt64 = hostClock()
    ) throws(ColdStartError) -> StartFigures {
        if verdict == .passed || isPaused, let run = StartFigures(self, by: phaseClock, hasKernel: true) { return run }
        if verdict == .passed, let run = StartFigures(resumed: self) { return run }
        if case .cancelled = end { throw .cancelled }
        // Init is the only process left to kill.
        if let line = panic, line.contains("deadlocked on memory") { throw outOfMemory }
        if let line = panic { throw .panicked(line: line) }
        if verdict != nil || failure != nil { throw failure(timeout: timeout) }
        let line = output.lastLine ?? kernelLine
        if case .closed = end {
            let (how, last) = (emulator?.failure, emulator?.message ?? line)
            if marks.isEmpty {
                let reason = how.map { "it \($0)\(quoted(last))" } ?? last
                throw .emulatorFailed(reason: reason ?? "it ended without a message")
            }
            if let how { throw .emulatorEnded(how: how, lastLine: last) }
            throw .lost(lastLine: line)
        }
        if marks.isEmpty { throw .silent(after: .nanoseconds(Int64(boot)), lastLine: line) }
        let waited = Duration.nanoseconds(Int64(clamping: now - min(now, start)))
        throw .stalled(
            after: waited, processorTime: emulator?.processorTime, lastEvent: lastEvent, lastLine: line)
    }

    /// The last event that the guest reported, for people.
    private var lastEvent: String { marks.max { $0.value.host < $1.value.host }?.key.words ?? "none" }

    /// The console's last line, without one that every kernel prints in a machine without PCI.
    private var kernelLine: String? { console.lastLine { !$0.contains("PCI: Fatal: No config space") } }

    /// Returns the reason why a session did not pass, as far as the guest itself has reported it.
    func failure(timeout: Duration) -> ColdStartError {
        if let failure { return error(of: failure) }
        switch verdict {
        case .ended:
            let how = exitStatus?.words ?? "ended"
            if marks[.firstByte] != nil { return .endedAfterProbe(how: how) }
            return .ended(how: how, lastLine: output.lastLine)
        case .timedOut:
            return .notServing(probe, last: diagnosis(timeout: timeout), after: timeout, lastLine: output.lastLine)
        case .passed: return .incompleteReport(lastEvent: lastEvent)
        case .failed, nil: return .lost(lastLine: output.lastLine ?? kernelLine)
        }
    }

    private var outOfMemory: ColdStartError {
        .outOfMemory(memory.flatMap { Int64(exactly: $0) }.map { MemorySize($0) })
    }

    /// The line of the guest kernel's panic.
    var panic: String? { console.lastLine { $0.contains("Kernel panic - ") } }

    private func error(of failure: Message.StartFailure) -> ColdStartError {
        var subject = Transcript()
        subject.append(failure.subject)
        let text = subject.lastLine ?? ""
        let reason = programFailureWords(errno: failure.errno)
        if let driver = failure.driver { return .driverMissing(driver) }
        return switch failure.stage {
        case .execute: .notExecutable(text, reason: reason)
        case .memory: outOfMemory
        case .user: .unknownUser(text)
        default: .guestFailed(stage: failure.stage.words, subject: text, reason: reason)
        }
    }
}

/// The end of QEMU's process.
struct EmulatorEnd: Equatable {
    let exitStatus: Spawn.ExitStatus
    /// The last line of its stderr.
    let message: String?
    /// The processor time that it used: little means that the guest waited, not that the host was slow.
    var processorTime: Duration?

    /// The words after its name in a sentence; nil if the guest itself ended the machine, which is status 0.
    var failure: String? {
        switch exitStatus {
        case .exited(0): nil
        case .exited(let status): "ended with status \(status)"
        case .signalled(let signal): "was killed by signal \(signal)"
        }
    }
}

extension Message.Mark {
    /// The event, for people.
    fileprivate var words: String {
        switch self {
        case .started: "init runs"
        case .rootMounted: "the root file system is mounted"
        case .executed: "the entrypoint runs"
        case .listening: "the port accepts connections"
        case .firstByte: "the first byte of the response arrived"
        case .resumed: "the machine runs again"
        case .reachable: "the ports are open to the host"
        }
    }
}

extension Message.StartFailure {
    /// The driver whose absence explains this failure; `nil` for other failures.
    fileprivate var driver: String? {
        let isMemory = subject.starts(with: Array("/dev/pmem".utf8))
        return switch (stage, Errno(rawValue: Int32(clamping: errno))) {
        case (.disk, _): isMemory ? "nd_pmem" : "virtio_blk"
        case (.mount, .operationNotSupportedByDevice):
            subject.starts(with: Array("/dev/".utf8)) ? "erofs" : "overlay"
        default: nil
        }
    }
}

extension StartMeasurement {
    /// Combines the runs of one engine.
    ///
    /// - Precondition: there is at least one run.
    init(
        _ runs: [StartFigures], engine: String, isAccelerated: Bool, accelerationNote: String?, kernelRelease: String?,
        emulator: String?, probe: ProbeAction, isLogged: Bool = true
    ) {
        guard let last = runs.last, let total = Statistics(runs.map(\.milliseconds)) else {
            preconditionFailure("a measurement needs a run")
        }
        self.engine = engine
        self.isAccelerated = isAccelerated
        self.accelerationNote = accelerationNote
        self.kernelRelease = kernelRelease
        kernelRemark = last.kernelRemark
        self.emulator = emulator
        self.probe = probe
        for run in runs where isLogged {
            let phases = run.phases.map { "\($0.name.rawValue):\($0.milliseconds)" }.joined(separator: ",")
            DebugLog.event(
                "boot.run", [("engine", engine), ("phases", phases), ("ms", "\(run.milliseconds)")])
        }
        phases = Phase.PhaseName.allCases.compactMap { name in
            let samples = runs.flatMap { run in run.phases.filter { $0.name == name }.map(\.milliseconds) }
            let shown = runs[total.medianRun].phases.first { $0.name == name }?.milliseconds
            return Statistics(samples).map { Phase(name: name, milliseconds: $0, medianRunMilliseconds: shown) }
        }
        timeToFirstRequest = total
        figures = runs
        work = WorkSummary(runs.compactMap(\.work))
        exits = Statistics(runs.compactMap { run in run.exits.map { Double($0) } })
        overheadBytes = runs.compactMap(\.overheadBytes).max()
        pageFaults = Statistics(runs.compactMap { run in run.pageFaults.map { Double($0) } })
        diskReads = Statistics(runs.compactMap { run in run.diskReads.map { Double($0.reads) } })
        diskBytesRead = Statistics(runs.compactMap { run in run.diskReads.map { Double($0.bytesRead) } })
        hostProbe = HostProbeSummary(runs.compactMap(\.hostProbe))
        response = last.response
        peakGuestMemoryBytes = runs.compactMap(\.peakMemory).max()
        probeResults = last.probeResults
        var found: [StartFinding] = []
        // Only the first run checks the program's end.
        for finding in runs.flatMap(\.findings) where !found.contains(where: { $0.id == finding.id }) {
            found.append(finding)
        }
        findings = found
        terminationMilliseconds = runs.lazy.compactMap(\.terminationMilliseconds).first
        trace = last.trace
        console = last.console
    }
}

extension StartMeasurement {
    /// Combines measurements of the same scenario, in their order.
    ///
    /// - Precondition: there is at least one measurement.
    public init(combining measurements: [StartMeasurement]) {
        guard let first = measurements.first else { preconditionFailure("a measurement needs a run") }
        self.init(
            measurements.flatMap(\.figures), engine: first.engine,
            isAccelerated: measurements.allSatisfy(\.isAccelerated),
            accelerationNote: measurements.lazy.compactMap(\.accelerationNote).first,
            kernelRelease: first.kernelRelease, emulator: first.emulator, probe: first.probe, isLogged: false)
        (notes, fingerprint) = (first.notes, first.fingerprint)
    }
}

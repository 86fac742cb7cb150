import CInit

/// Supervises the entrypoint until the probe passes, the entrypoint ends, or the timeout passes.
///
/// It has one thread and one `poll`. It sends output to the host as it arrives, forwards signals to the entrypoint,
/// reaps orphans, and repeats the probe every millisecond.
struct Supervisor {
    let spec: BootSpec
    let channel: HostChannel
    let signals: Int32
    private(set) var deadline: UInt64

    var child: ImageProcess
    private var snapshotState = SnapshotState.pending
    var attempt: ProbeAttempt?
    private var nextAttempt: UInt64 = 0
    /// The end of the current attempt's time.
    private var attemptEnd = UInt64.max
    /// The beginning of the last response that did not pass.
    private var excerpt: [UInt8] = []
    var usesVersion6 = false
    private var hasListened = false
    private var hasMarkedByte = false
    private var lastAttempt: ProbeResult.Outcome?
    var exitStatus: ProbeResult.ProcessEnd?
    private var lateModules: [OpenModule]
    private var proxyState = ProxyState.notStarted
    /// The observer of opened files; `nil` if none is requested.
    var observer: OpenObserver?
    /// The response to the current probe of ``BootSpec/probeSpecs``.
    var partialResult: PartialResult?

    /// The state of the proxied ports.
    private enum ProxyState {
        case notStarted
        case reachable(PortProxy)
        case failed(Message.StartFailure)
    }

    /// The state of the pause for a snapshot, if one is requested.
    private enum SnapshotState {
        case pending
        /// The probe has passed once; the pause comes in the middle of the next request.
        case atNextRequest
        case resumed
    }

    private static let interval: UInt64 = 1_000_000
    private static let commandInterval: UInt64 = 20_000_000

    init(
        _ child: ImageProcess, spec: BootSpec, lateModules: [OpenModule], channel: HostChannel, signals: Int32,
        deadline: UInt64, observer: OpenObserver?
    ) {
        self.observer = observer
        self.lateModules = lateModules
        self.child = child
        self.spec = spec
        self.channel = channel
        self.signals = signals
        self.deadline = deadline
    }

    /// Runs until there is a verdict, and sends the host the results that led to it.
    mutating func run() -> Message.StopCause {
        if spec.probe == nil, !spec.probeSpecs.isEmpty {
            channel.mark(.firstByte)
            return reportingResult(runProbes())
        }
        while true {
            if let verdict = step() {
                guard verdict == .passed else { return reportingResult(verdict) }
                if spec.recordsStart { sendRecord() }
                if snapshotState == .pending, endsAtOnce() { return reportingResult(.ended) }
                startProxy()
                if beginSnapshot() { continue }
                reportProxy()
                return reportingResult(spec.probeSpecs.isEmpty ? verdict : runProbes())
            }
        }
    }

    /// Sends the image's threads, the files that they opened and the samples of their work until now.
    private mutating func sendRecord() {
        cinit_stop_samples()
        observer?.drain(to: channel)
        for thread in imageThreads() { channel.send(.thread(thread)) }
        observer?.sendRecord(to: channel)
        sendSamples()
    }

    private func sendSamples() {
        var processor: UInt8 = 0
        while true {
            var count = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: Message.Samples.limit) { buffer, initialized in
                count = cinit_take_samples(Int32(processor), buffer.baseAddress, UInt(Message.Samples.limit))
                initialized = max(0, count)
            }
            if count < 0 { return }
            if count == 0 { processor += 1 } else { channel.send(.samples(processor: processor, bytes)) }
        }
    }

    /// Sends the results that led to a verdict.
    private mutating func reportingResult(_ verdict: Message.StopCause) -> Message.StopCause {
        observer?.drain(to: channel)
        child.drain(to: channel)
        if let lastAttempt { channel.send(.attempt(lastAttempt)) }
        if !excerpt.isEmpty { channel.send(.excerpt(excerpt)) }
        channel.send(.listeners(listenersNow()))
        if let exitStatus { channel.send(.exited(exitStatus)) }
        if verdict != .passed, ranOutOfMemory {
            channel.send(.failed(Message.StartFailure(stage: .memory, errno: 0, subject: [])))
        }
        return verdict
    }

    /// The TCP ports with a listener.
    func listenersNow() -> [Message.Listener] {
        var found: [Message.Listener] = []
        for name in ["/proc/net/tcp", "/proc/net/tcp6"] as [StaticString] {
            found += listeners(contents(of: bytes(name)) ?? [])
        }
        return found
    }

    /// True if the entrypoint ends right after the probe has passed: a container ends with it.
    ///
    /// A program that moves to the background leaves orphans, and its starter ends soon.
    private mutating func endsAtOnce() -> Bool {
        let soon: UInt64 = 20_000_000
        let later: UInt64 = 2_000_000_000
        waitForExit(until: cinit_monotonic() &+ soon)
        if exitStatus == nil, hasOrphans { waitForExit(until: cinit_monotonic() &+ later) }
        return exitStatus != nil
    }

    mutating func waitForExit(until end: UInt64) {
        while exitStatus == nil, cinit_monotonic() < end { wait(until: end) }
    }

    /// True if init has children besides the entrypoint; a kernel without this file has the answer no.
    private var hasOrphans: Bool {
        guard let text = contents(of: bytes("/proc/1/task/1/children"), limit: 4_096) else { return false }
        for word in text.split(separator: UInt8(ascii: " ")) {
            guard let process = number(Array(word)) else { continue }
            if process != UInt32(bitPattern: child.process), process != UInt32(bitPattern: command.process) {
                return true
            }
        }
        return false
    }

    /// True if the kernel of this machine, which runs only this image, killed a process for lack of memory.
    private var ranOutOfMemory: Bool {
        guard spec.runtime == .machine, let table = contents(of: bytes("/proc/vmstat")) else { return false }
        return statistic(bytes("oom_kill"), in: table) ?? 0 > 0
    }

    /// Continues to serve after the probe has passed, until the entrypoint ends.
    mutating func superviseUntilExit() -> Message.StopCause {
        let hour: UInt64 = 3_600_000_000_000
        while exitStatus == nil { wait(until: cinit_monotonic() &+ hour) }
        child.drain(to: channel)
        if let exitStatus { channel.send(.exited(exitStatus)) }
        return .ended
    }

    /// Starts the proxy; only after the probe has passed, so that it doesn't disturb the measurement.
    private mutating func startProxy() {
        guard case .notStarted = proxyState, !spec.proxiedPorts.isEmpty else { return }
        do throws(Message.StartFailure) {
            for module in lateModules { try module.load() }
            proxyState = .reachable(try PortProxy(spec.proxiedPorts, version6: usesVersion6))
        } catch { proxyState = .failed(error) }
    }

    private func reportProxy() {
        switch proxyState {
        case .notStarted: break
        case .reachable: channel.mark(.reachable)
        case .failed(let failure): channel.send(.failed(failure))
        }
    }

    /// Pauses after the first passed probe, now or in the next request; `false` if no pause is due.
    private mutating func beginSnapshot() -> Bool {
        if snapshotState == .pending, spec.pausePoint != .never, let lastAttempt {
            channel.send(.attempt(lastAttempt))
        }
        switch (snapshotState, spec.pausePoint) {
        case (.resumed, _), (_, .never): return false
        case (_, .ready): pauseForSnapshot()
        case (_, .request): snapshotState = .atNextRequest
        }
        (attempt, lastAttempt, hasMarkedByte, nextAttempt) = (nil, nil, false, 0)
        return true
    }

    /// Pauses, and sets time and randomness before anything else continues.
    private mutating func pauseForSnapshot() {
        let resumeInfo = channel.pauseForSnapshot()
        if let resumeInfo {
            _ = cinit_set_clock(resumeInfo.seconds, resumeInfo.nanoseconds)
            _ = resumeInfo.entropy.withUnsafeBytes { cinit_add_entropy($0.baseAddress, UInt($0.count)) }
        }
        snapshotState = .resumed
        deadline = cinit_monotonic() &+ UInt64(spec.timeoutMilliseconds) * 1_000_000
        attemptEnd = cinit_monotonic() &+ attemptTime
        channel.mark(.resumed)
    }

    private mutating func step() -> Message.StopCause? {
        let time = cinit_monotonic()
        guard time < deadline else {
            // A complete response says more than one that the end of the whole time cut off.
            if let attempt, attempt.unfinished != .timedOut, lastAttempt?.isResponse != true {
                lastAttempt = attempt.unfinished
            }
            return .timedOut
        }
        if attempt != nil, time >= attemptEnd { abandonAttempt() }
        let wake = attempt != nil ? attemptEnd : spec.probe != nil ? nextAttempt : deadline
        let isReady = wait(until: min(wake, deadline))
        if let verdict = probe(isReady: isReady) { return verdict }
        return exitStatus == nil ? nil : .ended
    }

    /// The time of an attempt: a third of the whole.
    ///
    /// A server that never answers its first connection may answer the next one. A slow answer needs most of the time.
    private var attemptTime: UInt64 { UInt64(spec.timeoutMilliseconds) * 1_000_000 / 3 }

    /// Ends an attempt whose time is over; the next one follows.
    private mutating func abandonAttempt() {
        let outcome = attempt?.unfinished ?? .timedOut
        let process = command.process
        if process > 0 {
            command.close()
            _ = cinit_kill(process, 9)
        }
        attempt?.close()
        _ = attemptEnded(outcome)
    }

    /// Waits for the next event and handles it; returns true if it belongs to the probe's attempt.
    @discardableResult
    mutating func wait(until wake: UInt64) -> Bool {
        let time = cinit_monotonic()
        var watches = [
            cinit_watch(descriptor: signals, wanted: Int16(cinit_readable), ready: 0),
            attempt?.watch ?? cinit_watch(descriptor: -1, wanted: 0, ready: 0),
        ]
        watches += child.watches + command.watches
        watches.append(observer?.watch ?? cinit_watch(descriptor: -1, wanted: 0, ready: 0))
        let own = watches.count
        if case .reachable(let proxy) = proxyState { watches += proxy.watches }
        let timeout = wake > time ? wake - time : 0
        _ = watches.withUnsafeMutableBufferPointer { cinit_poll($0.baseAddress, UInt($0.count), timeout) }
        // First, because programs opened these files before they wrote the output that follows.
        if watches[6].ready != 0 { observer?.drain(to: channel) }
        // The host alone knows which line of output passes the probe.
        if spec.probe == .none, spec.probeSpecs.isEmpty, watches[2].ready != 0 || watches[3].ready != 0 {
            channel.sendCPUTime(at: .firstByte, of: spec)
        }
        child.forward(watches[2...3], to: channel)
        handleOutput(command.take(watches[4...5]))
        if watches[0].ready != 0 { handleSignals() }
        if case .reachable(var proxy) = proxyState {
            proxy.advance(watches[own...])
            proxyState = .reachable(proxy)
        }
        return watches[1].ready != 0
    }

    private mutating func handleSignals() {
        while true {
            let signal = cinit_next_signal(signals)
            guard signal != 0 else { return }
            if cinit_signal_is_child(signal) != 0 { reap() } else { _ = cinit_kill(child.process, signal) }
        }
    }

    private mutating func reap() {
        var status: Int32 = 0
        while true {
            let process = cinit_reap(&status)
            guard process != 0 else { return }
            let exitStatus =
                status >= 256 ? ProbeResult.ProcessEnd.signal(UInt8(status & 0x7F)) : .status(UInt8(status & 0xFF))
            if process == child.process { self.exitStatus = exitStatus } else { commandEnded(process, exitStatus) }
        }
    }

    // MARK: The probe

    private mutating func probe(isReady: Bool) -> Message.StopCause? {
        switch spec.probe {
        case nil, .log?: nil
        case .tcp(let port)?: connection(isReady, to: port, probe: nil)
        case .http(let probe)?: connection(isReady, to: probe.port, probe: probe)
        case .exec(let words)?: command(words)
        }
    }

    private mutating func connection(_ isReady: Bool, to port: UInt16, probe: HTTPProbe?) -> Message.StopCause? {
        if attempt == nil {
            guard cinit_monotonic() >= nextAttempt else { return nil }
            let (begun, answer) = ProbeAttempt.connect(to: port, version6: usesVersion6)
            attempt = begun
            attemptEnd = cinit_monotonic() &+ attemptTime
            if begun == nil { return attemptEnded(answer) }
            return nil
        }
        guard isReady, var current = attempt else { return nil }
        var step: ProbeAttempt.AttemptStep
        if case .connecting = current {
            step = current.request(probe, inHalves: snapshotState == .atNextRequest)
            if case .halfSent = step {
                pauseForSnapshot()
                step = current.completeRequest()
            }
        } else {
            step = current.read()
        }
        attempt = current
        if let status = current.status, probe?.accepts(status) == true { markByte() }
        switch step {
        case .waiting, .halfSent: return nil
        case .connected:
            markListening()
            return nil
        case .completed(var answer):
            if answer == .connected { markListening() }
            if let response = current.response {
                answer = probe?.judged(answer, response) ?? answer
                excerpt = passes(answer) ? [] : response.excerpt
            }
            if passes(answer) { markByte() }
            return attemptEnded(answer)
        }
    }

    private mutating func markListening() {
        guard !hasListened else { return }
        hasListened = true
        mark(.listening)
    }

    /// Marks the first byte once the status line shows that this response passes, before the rest is read.
    private mutating func markByte() {
        guard !hasMarkedByte else { return }
        hasMarkedByte = true
        mark(.firstByte)
    }

    private func passes(_ outcome: ProbeResult.Outcome) -> Bool { spec.probe?.accepts(outcome) ?? outcome.passes }

    /// Marks an event, with the processor time of the image's processes until then.
    private func mark(_ mark: Message.Mark) {
        channel.mark(mark)
        channel.sendCPUTime(at: mark, of: spec)
    }

    private mutating func attemptEnded(_ answer: ProbeResult.Outcome) -> Message.StopCause? {
        lastAttempt = answer
        attempt = nil
        if passes(answer) { return .passed }
        if answer == .refused, !hasListened { usesVersion6.toggle() }
        hasMarkedByte = false
        nextAttempt = cinit_monotonic() + Supervisor.interval
        return nil
    }

    private mutating func command(_ words: [[UInt8]]) -> Message.StopCause? {
        if lastAttempt == .ended(.status(0)) { return .passed }
        guard attempt == nil, cinit_monotonic() >= nextAttempt else { return nil }
        do throws(Message.StartFailure) {
            let command = try ImageCommand(words, of: spec)
            let process = try command.start()
            attempt = .running(process)
            attemptEnd = cinit_monotonic() &+ attemptTime
            return nil
        } catch {
            channel.send(.failed(Message.StartFailure(stage: .probe, errno: error.errno, subject: error.subject)))
            return .failed
        }
    }

    /// The probing command; its output must be read, or the command would block or get SIGPIPE.
    var command: ImageProcess {
        get {
            if case .running(let command) = attempt { command } else { ImageProcess(process: 0, output: -1, error: -1) }
        }
        set { if case .running = attempt { attempt = .running(newValue) } }
    }

    private mutating func commandEnded(_ process: Int32, _ exitStatus: ProbeResult.ProcessEnd) {
        guard case .running(let command) = attempt, command.process == process else { return }
        handleOutput(self.command.drain())
        self.command.close()
        if partialResult != nil {
            partialResult?.exitStatus = exitStatus
            attempt = nil
            return
        }
        if exitStatus == .status(0) { mark(.firstByte) }
        _ = attemptEnded(.ended(exitStatus))
        nextAttempt = cinit_monotonic() + Supervisor.commandInterval
    }

    /// Passes on a command's output: to the current probe's result, else to the host.
    private mutating func handleOutput(_ pieces: [ImageProcess.Piece]) {
        for piece in pieces {
            switch (partialResult, piece.stream) {
            case (nil, _): channel.send(.output(piece.stream, now(), piece.bytes))
            case (_, .output): partialResult?.body.receive(piece.bytes[...])
            case (_, .error): partialResult?.stderr.receive(piece.bytes[...])
            }
        }
    }

    /// The entrypoint's peak memory in bytes, from its control group, else of its largest process.
    ///
    /// The kernel reports this only for children that have ended, so the entrypoint is killed, unless the machine
    /// continues.
    func peakMemory() -> UInt64? {
        if spec.runtime == .machine,
            let text = contents(of: bytes(SystemSetup.cgroup) + bytes("/memory.peak"), limit: 64)
        {
            var peak: UInt64 = 0
            for digit in text where digit >= UInt8(ascii: "0") && digit <= UInt8(ascii: "9") {
                peak = peak &* 10 &+ UInt64(digit - UInt8(ascii: "0"))
            }
            if peak > 0 { return peak }
        }
        if exitStatus == nil {
            if case .doorbell = channel { return nil }
            stopChild()
        }
        return cinit_children_peak()
    }

    /// Kills the entrypoint, and waits for at most a second.
    private func stopChild() {
        _ = cinit_kill(child.process, 9)
        var status: Int32 = 0
        for _ in 0..<1_000 {
            if cinit_reap(&status) == child.process { return }
            cinit_sleep(1_000_000)
        }
    }
}

import CInit

/// Supervises the entrypoint until the probe passes, the entrypoint ends, or the timeout passes.
///
/// It has one thread and one `poll`. It sends output to the host as it arrives, forwards signals to the entrypoint,
/// reaps orphans, and repeats the probe every millisecond.
struct Supervisor {
    let orders: Orders
    let link: Link
    let signals: Int32
    private(set) var deadline: UInt64

    var child: Child
    private var life = Life.first
    var attempt: Attempt?
    private var nextAttempt: UInt64 = 0
    var usesVersion6 = false
    private var hasListened = false
    private var hasMarkedByte = false
    private var lastAnswer: Message.Answer?
    var ending: Message.Ending?
    private var lateModules: [OpenModule]
    private var reach = Reach.unknown
    /// The observer of opened files; `nil` if none is requested.
    var observer: Observer?
    /// The response to the current probe of an interview.
    var reply: Reply?

    /// The state of the proxied ports.
    private enum Reach {
        case unknown
        case reachable(Proxy)
        case failed(Message.Failure)
    }

    /// The state of the pause for a snapshot, if one is requested.
    private enum Life {
        case first
        /// The probe has passed once; the pause comes in the middle of the next request.
        case served
        case second
    }

    private static let interval: UInt64 = 1_000_000
    private static let commandInterval: UInt64 = 20_000_000

    init(
        _ child: Child, orders: Orders, lateModules: [OpenModule], link: Link, signals: Int32, deadline: UInt64,
        observer: Observer?
    ) {
        self.observer = observer
        self.lateModules = lateModules
        self.child = child
        self.orders = orders
        self.link = link
        self.signals = signals
        self.deadline = deadline
    }

    /// Runs until there is a verdict, and sends the host the results that led to it.
    mutating func run() -> Message.Verdict {
        if orders.probe == .none, !orders.questions.isEmpty {
            link.mark(.firstByte)
            return concluded(interview())
        }
        while true {
            if let verdict = turn() {
                guard verdict == .passed else { return concluded(verdict) }
                becomeReachable()
                if beginAnew() { continue }
                announce()
                return concluded(orders.questions.isEmpty ? verdict : interview())
            }
        }
    }

    /// Sends the results that led to a verdict.
    private mutating func concluded(_ verdict: Message.Verdict) -> Message.Verdict {
        observer?.drain(to: link)
        child.drain(to: link)
        if let lastAnswer { link.send(.answer(lastAnswer)) }
        if let ending { link.send(.exited(ending)) }
        if verdict != .passed, ranOutOfMemory {
            link.send(.failed(Message.Failure(stage: .memory, errno: 0, subject: [])))
        }
        return verdict
    }

    /// True if the kernel of this machine, which runs only this image, killed a process for lack of memory.
    private var ranOutOfMemory: Bool {
        guard orders.place == .machine, let table = contents(of: bytes("/proc/vmstat")) else { return false }
        return killCount(inStatistics: table) > 0
    }

    /// Continues to serve after the probe has passed, until the entrypoint ends.
    mutating func goOn() -> Message.Verdict {
        let hour: UInt64 = 3_600_000_000_000
        while ending == nil { wait(until: cinit_monotonic() &+ hour) }
        child.drain(to: link)
        if let ending { link.send(.exited(ending)) }
        return .ended
    }

    /// Starts the proxy; only after the probe has passed, so that it doesn't disturb the measurement.
    private mutating func becomeReachable() {
        guard case .unknown = reach, !orders.proxiedPorts.isEmpty else { return }
        do throws(Message.Failure) {
            for module in lateModules { try module.load() }
            reach = .reachable(try Proxy(orders.proxiedPorts, version6: usesVersion6))
        } catch { reach = .failed(error) }
    }

    private func announce() {
        switch reach {
        case .unknown: break
        case .reachable: link.mark(.reachable)
        case .failed(let failure): link.send(.failed(failure))
        }
    }

    /// Pauses after the first passed probe, now or in the next request; `false` if no pause is due.
    private mutating func beginAnew() -> Bool {
        if life == .first, orders.hold != .never, let lastAnswer { link.send(.answer(lastAnswer)) }
        switch (life, orders.hold) {
        case (.second, _), (_, .never): return false
        case (_, .ready): hold()
        case (_, .request): life = .served
        }
        (attempt, lastAnswer, hasMarkedByte, nextAttempt) = (nil, nil, false, 0)
        return true
    }

    /// Pauses, and sets time and randomness before anything else continues.
    private mutating func hold() {
        let awakening = link.hold()
        if let awakening {
            _ = cinit_set_clock(awakening.seconds, awakening.nanoseconds)
            _ = awakening.entropy.withUnsafeBytes { cinit_add_entropy($0.baseAddress, UInt($0.count)) }
        }
        life = .second
        deadline = cinit_monotonic() &+ UInt64(orders.timeoutMilliseconds) * 1_000_000
        link.mark(.resumed)
    }

    private mutating func turn() -> Message.Verdict? {
        let time = cinit_monotonic()
        guard time < deadline else { return .timedOut }
        let isReady = wait(until: attempt == nil && orders.probe != .none ? min(nextAttempt, deadline) : deadline)
        if let verdict = probe(isReady: isReady) { return verdict }
        return ending == nil ? nil : .ended
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
        if case .reachable(let proxy) = reach { watches += proxy.watches }
        let patience = wake > time ? wake - time : 0
        _ = watches.withUnsafeMutableBufferPointer { cinit_poll($0.baseAddress, UInt($0.count), patience) }
        // First, because programs opened these files before they wrote the output that follows.
        if watches[6].ready != 0 { observer?.drain(to: link) }
        child.forward(watches[2...3], to: link)
        pass(command.take(watches[4...5]))
        if watches[0].ready != 0 { handleSignals() }
        if case .reachable(var proxy) = reach {
            proxy.advance(watches[own...])
            reach = .reachable(proxy)
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
            let ending = status >= 256 ? Message.Ending.signal(UInt8(status & 0x7F)) : .status(UInt8(status & 0xFF))
            if process == child.process { self.ending = ending } else { commandEnded(process, ending) }
        }
    }

    // MARK: The probe

    private mutating func probe(isReady: Bool) -> Message.Verdict? {
        switch orders.probe {
        case .none: nil
        case .tcp(let port): connection(isReady, to: port, path: nil)
        case .http(let port, let path): connection(isReady, to: port, path: path)
        case .command(let words): command(words)
        }
    }

    private mutating func connection(_ isReady: Bool, to port: UInt16, path: [UInt8]?) -> Message.Verdict? {
        if attempt == nil {
            guard cinit_monotonic() >= nextAttempt else { return nil }
            let (begun, answer) = Attempt.connect(to: port, version6: usesVersion6)
            attempt = begun
            if begun == nil { return answered(answer) }
            return nil
        }
        guard isReady, var current = attempt else { return nil }
        var step: Attempt.Step
        if case .connecting = current {
            step = current.request(path, port: port, inHalves: life == .served)
            if case .halfAsked = step {
                hold()
                step = current.completeRequest()
            }
        } else {
            step = current.read()
        }
        attempt = current
        markByte(current.status)
        switch step {
        case .waiting, .halfAsked: return nil
        case .connected:
            markListening()
            return nil
        case .answered(let answer):
            if answer == .connected { markListening() }
            if case .http(let status, _) = answer { markByte(status) }
            return answered(answer)
        }
    }

    private mutating func markListening() {
        guard !hasListened else { return }
        hasListened = true
        link.mark(.listening)
    }

    /// Marks the first byte once the status line shows that this response passes, before the rest is read.
    private mutating func markByte(_ status: UInt16?) {
        guard let status, isSuccess(status), !hasMarkedByte else { return }
        hasMarkedByte = true
        link.mark(.firstByte)
    }

    private mutating func answered(_ answer: Message.Answer) -> Message.Verdict? {
        lastAnswer = answer
        attempt = nil
        switch answer {
        case .connected:
            link.mark(.firstByte)
            return .passed
        case .http(let status, _) where isSuccess(status): return .passed
        case .command(.status(0)): return .passed
        case .refused: if !hasListened { usesVersion6.toggle() }
        default: break
        }
        hasMarkedByte = false
        nextAttempt = cinit_monotonic() + Supervisor.interval
        return nil
    }

    private mutating func command(_ words: [[UInt8]]) -> Message.Verdict? {
        if case .command(.status(0)) = lastAnswer { return .passed }
        guard attempt == nil, cinit_monotonic() >= nextAttempt else { return nil }
        do throws(Message.Failure) {
            let command = try Command(words, of: orders)
            let process = try command.start()
            attempt = .running(process)
            return nil
        } catch {
            link.send(.failed(Message.Failure(stage: .probe, errno: error.errno, subject: error.subject)))
            return .failed
        }
    }

    /// The probing command; its output must be read, or the command would block or get SIGPIPE.
    var command: Child {
        get { if case .running(let command) = attempt { command } else { Child(process: 0, output: -1, error: -1) } }
        set { if case .running = attempt { attempt = .running(newValue) } }
    }

    private mutating func commandEnded(_ process: Int32, _ ending: Message.Ending) {
        guard case .running(let command) = attempt, command.process == process else { return }
        pass(self.command.drain())
        self.command.close()
        if reply != nil {
            reply?.ending = ending
            attempt = nil
            return
        }
        if ending == .status(0) { link.mark(.firstByte) }
        _ = answered(.command(ending))
        nextAttempt = cinit_monotonic() + Supervisor.commandInterval
    }

    /// Passes on a command's output: to the reply in an interview, else to the host.
    private mutating func pass(_ pieces: [Child.Piece]) {
        for piece in pieces {
            switch (reply, piece.stream) {
            case (nil, _): link.send(.output(piece.stream, now(), piece.bytes))
            case (_, .output): reply?.body.receive(piece.bytes[...])
            case (_, .error): reply?.errors.receive(piece.bytes[...])
            }
        }
    }

    /// The entrypoint's peak memory in bytes, from its control group, else of its largest process.
    ///
    /// The kernel reports this only for children that have ended, so the entrypoint is killed, unless the machine
    /// continues.
    func peakMemory() -> UInt64? {
        if orders.place == .machine,
            let text = contents(of: bytes(Machine.cgroup) + bytes("/memory.peak"), limit: 64)
        {
            var peak: UInt64 = 0
            for digit in text where digit >= UInt8(ascii: "0") && digit <= UInt8(ascii: "9") {
                peak = peak &* 10 &+ UInt64(digit - UInt8(ascii: "0"))
            }
            if peak > 0 { return peak }
        }
        if ending == nil {
            if case .doorbell = link { return nil }
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

func isSuccess(_ status: UInt16) -> Bool { status >= 200 && status < 400 }

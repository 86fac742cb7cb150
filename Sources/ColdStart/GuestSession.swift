internal import Guest
internal import Linux
internal import Probe

/// The state of one start: it receives bytes as they arrive, and detects the end.
///
/// Times are nanoseconds of one host clock. A session's memory is bounded for any guest.
struct GuestSession {
    /// The upper bound of memory and response sizes, for any value of a guest.
    static let largest = UInt64(Int64.max)

    /// The time of a mark on both clocks.
    struct ClockStamp: Equatable {
        var host: UInt64
        var guest: GuestTime
    }

    let probe: ProbeAction
    let start: UInt64
    /// The machine's memory in bytes, for messages.
    let memory: UInt64?
    private(set) var marks: [Message.Mark: ClockStamp] = [:]
    private(set) var lastAttempt: ProbeResult.Outcome?
    private(set) var peakMemory: UInt64?
    /// The processor time of the image's processes until each mark, in microseconds.
    private(set) var cpuTimes: [Message.Mark: UInt64] = [:]
    /// The beginning of the last response that did not pass.
    private(set) var excerpt: [UInt8] = []
    /// The TCP ports with a listener at the end; nil if init did not report them.
    private(set) var listeners: [Message.Listener]?
    /// The entrypoint's reaction to SIGTERM after the probe had passed.
    private(set) var termination: Message.Termination?
    /// The threads and the files until the probe passed; empty if no record was requested.
    private(set) var record = StartRecord()
    private(set) var exitStatus: ProbeResult.ProcessEnd?
    private(set) var failure: Message.StartFailure?
    private(set) var verdict: Message.StopCause?
    /// True if the guest continued after its verdict, and has now ended.
    private(set) var isOver = false
    /// The time of the guest's first instruction; `nil` if the host doesn't know it.
    var entered: UInt64?
    /// True if the guest is paused, to be saved.
    private(set) var isPaused = false
    private(set) var output = Transcript()
    private(set) var console = Transcript()
    /// The results of the probe set, if there is one.
    private(set) var recorder: ProbeRecorder?
    private var frames = FrameReader()
    private var log: LineMatcher?

    init(probe: ProbeAction, probeSet: ProbeSet? = nil, start: UInt64, memory: UInt64? = nil) {
        self.probe = probe
        self.start = start
        self.memory = memory
        self.recorder = probeSet.map { ProbeRecorder($0) }
        if probeSet == nil, case .log(let pattern) = probe { log = LineMatcher(pattern) }
    }

    /// True if no later message can change the result.
    var isDone: Bool { verdict != nil }

    /// Receives bytes of the channel that carries frames.
    mutating func receive(_ bytes: [UInt8], at time: UInt64) {
        for payload in frames.receive(bytes) {
            guard let message = Message(decoding: payload) else { continue }
            if !isDone {
                receive(message, at: time)
            } else if case .finished = message {
                isOver = true
            }
        }
    }

    /// Receives bytes of the console, where the kernel writes.
    mutating func receiveConsole(_ bytes: [UInt8]) { console.append(bytes) }

    private mutating func receive(_ message: Message, at time: UInt64) {
        switch message {
        case .mark(let mark, let clock): marks[mark] = ClockStamp(host: time, guest: clock)
        case .output(let stream, let clock, let bytes):
            receiveOutput(bytes, of: stream, at: ClockStamp(host: time, guest: clock))
        case .attempt(let lastAttempt): self.lastAttempt = lastAttempt.clamped
        case .peakMemory(let byteCount): peakMemory = min(byteCount, GuestSession.largest)
        case .cpuTime(let mark, let microseconds): cpuTimes[mark] = min(microseconds, GuestSession.largest / 1000)
        case .excerpt(let bytes): excerpt = bytes
        case .listeners(let listeners): self.listeners = listeners
        case .termination(let termination): self.termination = termination
        case .opened(let open): record.add(open)
        case .thread(let thread): record.add(thread)
        case .samples(let processor, let bytes): record.add(samples: bytes, of: processor)
        case .exited(let exitStatus): self.exitStatus = exitStatus
        case .failed(let failure): self.failure = failure
        case .paused: isPaused = true
        case .probeEvent(let event):
            record.receive(event)
            recorder?.receive(event)
            endProbes(ClockStamp(host: time, guest: marks[.executed]?.guest ?? GuestTime(nanoseconds: 0, cycles: 0)))
        case .finished(let verdict): self.verdict = verdict
        }
    }

    private mutating func receiveOutput(_ bytes: [UInt8], of stream: Message.Stream, at stamp: ClockStamp) {
        output.append(bytes)
        console.append(bytes)
        record.add(output: bytes, at: stamp.guest)
        recorder?.receiveOutput(bytes, stream)
        endProbes(stamp)
        guard log?.matches(bytes) == true else { return }
        marks[.firstByte] = stamp
        verdict = .passed
    }

    /// Ends a run with patterns: only the host knows when all of them have matched.
    private mutating func endProbes(_ stamp: ClockStamp) {
        guard let recorder, recorder.waitsForOutput, recorder.isComplete else { return }
        if marks[.firstByte] == nil { marks[.firstByte] = stamp }
        verdict = .passed
    }
}

/// The end of a text of any length.
struct Transcript {
    private static let limit = 65_536
    private var bytes: [UInt8] = []

    mutating func append(_ piece: [UInt8]) {
        bytes += piece
        if bytes.count > 2 * Transcript.limit { bytes.removeFirst(bytes.count - Transcript.limit) }
    }

    var text: String { String(decoding: bytes.suffix(Transcript.limit), as: UTF8.self) }

    /// The last non-empty line, made safe for a terminal.
    var lastLine: String? { lastLine { _ in true } }

    /// The last line that `isWanted` accepts.
    func lastLine(where isWanted: (String) -> Bool) -> String? { lastLines(1, where: isWanted).last }

    /// The last non-empty lines in order, made safe for a terminal.
    func lastLines(_ count: Int, where isWanted: (String) -> Bool = { _ in true }) -> [String] {
        let lines = bytes.suffix(Transcript.limit).split(separator: 0x0A)
        var found: [String] = []
        for line in lines.reversed() where found.count < count {
            let text = String(OutputLines.line(line).visibleLine.prefix(300).drop { $0 == " " })
            if !text.isEmpty, isWanted(text) { found.append(text) }
        }
        return found.reversed()
    }
}

extension ProbeResult.Outcome {
    /// The response with a size that fits the host's integers.
    var clamped: ProbeResult.Outcome {
        switch self {
        case .http(let status, let byteCount): .http(status: status, byteCount: min(byteCount, GuestSession.largest))
        case .unfinishedBody(let status, let byteCount):
            .unfinishedBody(status: status, byteCount: min(byteCount, GuestSession.largest))
        default: self
        }
    }
}

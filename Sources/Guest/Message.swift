/// A message of the guest's init to the host, while it starts the image's entrypoint.
public enum Message: Equatable, Sendable {
    /// An event, with the guest's clocks.
    case mark(Mark, GuestTime)
    /// Output of the entrypoint.
    case output(Stream, GuestTime, [UInt8])
    /// An attempt of the probe ended; only the last one counts.
    case attempt(ProbeResult.Outcome)
    /// The peak memory of the entrypoint and its children, in bytes.
    case peakMemory(UInt64)
    /// The processor time of the image's processes until a mark, in microseconds; only machines have this figure.
    ///
    /// Waiting is not part of it, and neither is init.
    case cpuTime(Mark, microseconds: UInt64)
    /// The entrypoint ended.
    case exited(ProbeResult.ProcessEnd)
    /// The first bytes of the body of the last response that did not pass.
    case excerpt([UInt8])
    /// The TCP ports with a listener when init is done, at most ``listenerLimit``.
    case listeners([Listener])
    /// The entrypoint's reaction to SIGTERM after the probe has passed.
    case termination(Termination)
    /// A file that a thread of the image opened before the probe passed; sent after it, in the order of time.
    case opened(FileOpen)
    /// A thread of the image that existed when the probe passed.
    case thread(ThreadUsage)
    /// The next records of a processor's samples, as `perf_event_open(2)` writes them; at most ``Samples/limit`` bytes.
    case samples(processor: UInt8, [UInt8])
    /// Init can't continue.
    case failed(StartFailure)
    /// Init is paused in the store that sends this message, so that the machine can be saved.
    ///
    /// The host's reply in the mailbox is an ``ResumeInfo``.
    case paused
    /// An event of the probes that run once the entrypoint serves.
    case probeEvent(ProbeEvent)
    /// Init is done.
    ///
    /// A machine with a doorbell continues after a passed probe, until the host ends it or the entrypoint has ended.
    /// Init then sends this message again. Other machines are switched off now.
    case finished(StopCause)

    /// The events of a start, in order.
    public enum Mark: UInt8, Sendable, CaseIterable {
        /// Init runs its first instruction.
        case started = 1
        /// The image's root file system is mounted.
        case rootMounted
        /// The entrypoint's program replaced init's child.
        case executed
        /// The probed port accepts connections.
        case listening
        /// The first byte of the answer that passed the probe, or the end of the probing command.
        case firstByte
        /// The machine continues after it was saved, possibly in another process and at another time.
        case resumed
        /// The host can reach the proxied ports; sent after the probe has passed, before the verdict.
        case reachable
    }

    /// A TCP port with a listener.
    public struct Listener: Equatable, Sendable {
        /// The port.
        public var port: UInt16
        /// True if no other machine reaches it, since its address is a loopback address.
        public var isLoopback: Bool

        /// A listener.
        public init(port: UInt16, isLoopback: Bool) {
            self.port = port
            self.isLoopback = isLoopback
        }
    }

    /// The maximum number of listeners in a message.
    public static let listenerLimit = 256
    /// The maximum length of an excerpt in bytes.
    public static let excerptLimit = 160

    /// The entrypoint's output stream.
    public enum Stream: UInt8, Sendable {
        /// Its stdout.
        case output = 1
        /// Its stderr.
        case error
    }

    /// The step that failed.
    public enum StartStep: UInt8, Sendable {
        /// Reading its boot spec.
        case bootSpec = 1
        /// Loading a kernel module.
        case module
        /// Waiting for the root disk.
        case disk
        /// Mounting a file system.
        case mount
        /// Finding the user or the group in the image.
        case user
        /// Entering the working directory.
        case workingDirectory
        /// Taking the user's identity and capabilities.
        case identity
        /// Replacing the child by the entrypoint's program.
        case execute
        /// Running the probing command.
        case probe
        /// Configuring the network card.
        case network
        /// Listening for the host on a proxied port; init continues without it.
        case proxy
        /// Finding memory for the image's processes: the kernel killed some of them.
        case memory
    }

    /// The step that failed, its subject, and the kernel's errno (0 if there is none).
    public struct StartFailure: Equatable, Sendable {
        private static let subjectLimit = 1_024

        /// The step that failed.
        public var stage: StartStep
        /// The kernel's errno, or 0.
        public var errno: UInt32
        /// The path or the name that the step used, cut to a length that fits a frame.
        public private(set) var subject: [UInt8]

        /// A failure; a long subject is cut.
        public init(stage: StartStep, errno: UInt32, subject: [UInt8]) {
            self.stage = stage
            self.errno = errno
            self.subject = Array(subject.prefix(StartFailure.subjectLimit))
        }
    }

    /// The reason why init stopped.
    public enum StopCause: UInt8, Sendable {
        /// The probe passed.
        case passed = 1
        /// The entrypoint ended before the probe passed.
        case ended
        /// The timeout passed before the probe did.
        case timedOut
        /// Init itself could not continue.
        case failed
    }
}

/// The guest's two clocks at one moment.
public struct GuestTime: Equatable, Sendable {
    /// `CLOCK_MONOTONIC`, which starts with the kernel.
    public var nanoseconds: UInt64
    /// The time-stamp counter, which starts with the machine, and counts instructions in a deterministic machine.
    public var cycles: UInt64

    /// Readings of both clocks.
    public init(nanoseconds: UInt64, cycles: UInt64) {
        self.nanoseconds = nanoseconds
        self.cycles = cycles
    }
}

extension Message {
    /// Encodes the message as the payload of a ``Frame``.
    public func encode() -> [UInt8] {
        var writer = WireWriter()
        switch self {
        case .mark(let mark, let guestTime):
            writer.put(UInt8(1))
            writer.put(mark.rawValue)
            writer.put(guestTime)
        case .output(let stream, let guestTime, let bytes):
            writer.put(UInt8(2))
            writer.put(stream.rawValue)
            writer.put(guestTime)
            writer.put(bytes)
        case .attempt(let outcome):
            writer.put(UInt8(3))
            writer.put(outcome)
        case .peakMemory(let byteCount):
            writer.put(UInt8(4))
            writer.put(byteCount)
        case .exited(let exitStatus):
            writer.put(UInt8(5))
            writer.put(exitStatus)
        case .failed(let failure):
            writer.put(UInt8(6))
            writer.put(failure.stage.rawValue)
            writer.put(failure.errno)
            writer.put(failure.subject)
        case .finished(let verdict):
            writer.put(UInt8(7))
            writer.put(verdict.rawValue)
        case .cpuTime(let mark, let microseconds):
            writer.put(UInt8(10))
            writer.put(mark.rawValue)
            writer.put(microseconds)
        case .excerpt(let bytes):
            writer.put(UInt8(11))
            writer.put(Array(bytes.prefix(Message.excerptLimit)))
        case .listeners(let listeners):
            writer.put(UInt8(12))
            writer.put(UInt16(min(listeners.count, Message.listenerLimit)))
            for listener in listeners.prefix(Message.listenerLimit) {
                writer.put(listener.port)
                writer.put(UInt8(listener.isLoopback ? 1 : 0))
            }
        case .termination(let termination):
            writer.put(UInt8(13))
            writer.put(termination)
        case .opened(let open):
            writer.put(UInt8(14))
            writer.put(open)
        case .thread(let thread):
            writer.put(UInt8(15))
            writer.put(thread)
        case .samples(let processor, let bytes):
            writer.put(UInt8(16))
            writer.put(processor)
            writer.put(bytes)
        case .paused: writer.put(UInt8(8))
        case .probeEvent(let probeEvent):
            writer.put(UInt8(9))
            writer.put(probeEvent)
        }
        return writer.bytes
    }

    /// Decodes a payload; `nil` if it is not exactly one message.
    public init?(decoding payload: [UInt8]) {
        var reader = WireReader(payload)
        guard let message = reader.message(), reader.isAtEnd else { return nil }
        self = message
    }
}

extension WireWriter {
    mutating func put(_ guestTime: GuestTime) {
        put(guestTime.nanoseconds)
        put(guestTime.cycles)
    }

    fileprivate mutating func put(_ exitStatus: ProbeResult.ProcessEnd) {
        switch exitStatus {
        case .status(let status):
            put(UInt8(1))
            put(status)
        case .signal(let signal):
            put(UInt8(2))
            put(signal)
        }
    }

    mutating func put(_ outcome: ProbeResult.Outcome) {
        switch outcome {
        case .refused: put(UInt8(1))
        case .broken: put(UInt8(2))
        case .http(let status, let byteCount):
            put(UInt8(3))
            put(status)
            put(byteCount)
        case .connected: put(UInt8(4))
        case .ended(let exitStatus):
            put(UInt8(5))
            put(exitStatus)
        case .timedOut: put(UInt8(6))
        case .notStarted(let errno):
            put(UInt8(7))
            put(errno)
        case .matched: put(UInt8(8))
        case .lacksText(let status):
            put(UInt8(9))
            put(status)
        case .silent: put(UInt8(10))
        case .unfinishedHead: put(UInt8(11))
        case .unfinishedBody(let status, let byteCount):
            put(UInt8(12))
            put(status)
            put(byteCount)
        }
    }
}

extension WireReader {
    fileprivate mutating func message() -> Message? {
        switch number(UInt8.self) {
        case 1: clocked(number().flatMap(Message.Mark.init(rawValue:))) { .mark($0, $1) }
        case 2:
            if let stream = number().flatMap(Message.Stream.init(rawValue:)), let guestTime = guestTime(),
                let text = text()
            {
                .output(stream, guestTime, text)
            } else {
                nil
            }
        case 3: outcome().map { .attempt($0) }
        case 4: number(UInt64.self).map { .peakMemory($0) }
        case 5: exitStatus().map { .exited($0) }
        case 6: failure().map { .failed($0) }
        case 7: number().flatMap(Message.StopCause.init(rawValue:)).map { .finished($0) }
        case 8: .paused
        case 9: probeEvent().map { .probeEvent($0) }
        case 10: cpuTime()
        case 11: text().flatMap { $0.count <= Message.excerptLimit ? .excerpt($0) : nil }
        case 12: listeners().map { .listeners($0) }
        case 13: termination().map { .termination($0) }
        case 14: fileOpen().map { .opened($0) }
        case 15: threadUsage().map { .thread($0) }
        case 16: samples()
        default: nil
        }
    }

    private mutating func clocked(_ mark: Message.Mark?, _ make: (Message.Mark, GuestTime) -> Message) -> Message? {
        guard let mark, let guestTime = guestTime() else { return nil }
        return make(mark, guestTime)
    }

    private mutating func listeners() -> [Message.Listener]? {
        guard let count = number(UInt16.self), Int(count) <= Message.listenerLimit else { return nil }
        var listeners: [Message.Listener] = []
        for _ in 0..<count {
            guard let port = number(UInt16.self), let flag = number(UInt8.self), flag <= 1 else { return nil }
            listeners.append(Message.Listener(port: port, isLoopback: flag == 1))
        }
        return listeners
    }

    private mutating func cpuTime() -> Message? {
        guard let mark = number().flatMap(Message.Mark.init(rawValue:)), let microseconds = number(UInt64.self) else {
            return nil
        }
        return .cpuTime(mark, microseconds: microseconds)
    }

    mutating func guestTime() -> GuestTime? {
        guard let nanoseconds = number(UInt64.self), let cycles = number(UInt64.self) else { return nil }
        return GuestTime(nanoseconds: nanoseconds, cycles: cycles)
    }

    private mutating func exitStatus() -> ProbeResult.ProcessEnd? {
        guard let kind = number(UInt8.self), let value = number(UInt8.self) else { return nil }
        return kind == 1 ? .status(value) : kind == 2 ? .signal(value) : nil
    }

    mutating func outcome() -> ProbeResult.Outcome? {
        switch number(UInt8.self) {
        case 1: return .refused
        case 2: return .broken
        case 3:
            guard let status = number(UInt16.self), let byteCount = number(UInt64.self) else { return nil }
            return .http(status: status, byteCount: byteCount)
        case 4: return .connected
        case 5: return exitStatus().map { .ended($0) }
        case 6: return .timedOut
        case 7: return number(UInt32.self).map { .notStarted($0) }
        case 8: return .matched
        case 9: return number(UInt16.self).map { .lacksText(status: $0) }
        case 10: return .silent
        case 11: return .unfinishedHead
        case 12:
            guard let status = number(UInt16.self), let byteCount = number(UInt64.self) else { return nil }
            return .unfinishedBody(status: status, byteCount: byteCount)
        default: return nil
        }
    }

    private mutating func failure() -> Message.StartFailure? {
        guard let stage = number().flatMap(Message.StartStep.init(rawValue:)), let errno = number(UInt32.self),
            let subject = text()
        else { return nil }
        return Message.StartFailure(stage: stage, errno: errno, subject: subject)
    }
}

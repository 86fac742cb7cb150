// The messages about the work of the image's threads until the probe passed, and about the program's end.

extension Message {
    /// The entrypoint's reaction to SIGTERM.
    public enum Termination: Equatable, Sendable {
        /// It has no handler, so the kernel drops the signal if the entrypoint is PID 1, as in a container.
        case unhandled
        /// It ended after this time.
        case ended(milliseconds: UInt32)
        /// It still ran after this time.
        case running(milliseconds: UInt32)
    }

    /// A file or directory that a thread opened.
    public struct FileOpen: Equatable, Sendable {
        /// The maximum number of files in a record.
        public static let limit = 8_192

        /// The thread's number.
        public var thread: UInt32
        /// The time at which init saw it, right after the call.
        public var time: GuestTime
        /// The processor time of the thread until then, in nanoseconds; ``unknownTime`` if it had already ended.
        public var processorTime: UInt64
        /// The path, at most ``ProbeEvent/pathLimit`` bytes.
        public var path: [UInt8]

        /// The processor time of a thread that had ended.
        public static let unknownTime = UInt64.max

        /// An opened file.
        public init(thread: UInt32, time: GuestTime, processorTime: UInt64, path: [UInt8]) {
            (self.thread, self.time, self.processorTime, self.path) = (thread, time, processorTime, path)
        }
    }

    /// The samples of processor time.
    public enum Samples {
        /// The processor time between two samples, in nanoseconds.
        public static let period: UInt64 = 100_000
        /// The maximum number of bytes in a message.
        public static let limit = 8_000
    }

    /// The resources that a thread has used.
    public struct ThreadUsage: Equatable, Sendable {
        /// The maximum number of threads in a record.
        public static let limit = 1_024
        /// The maximum length of a name in bytes.
        public static let nameLimit = 256

        /// The thread's number, and that of its process.
        public var thread: UInt32
        public var process: UInt32
        /// The time of its start since the kernel's, in nanoseconds.
        public var started: UInt64
        /// Its processor time in nanoseconds.
        public var processorTime: UInt64
        /// Its page faults that waited for the disk.
        public var majorFaults: UInt64
        /// Its name.
        public var name: [UInt8]

        /// A thread's usage; a long name is cut.
        public init(
            thread: UInt32, process: UInt32, started: UInt64, processorTime: UInt64, majorFaults: UInt64, name: [UInt8]
        ) {
            (self.thread, self.process, self.started) = (thread, process, started)
            (self.processorTime, self.majorFaults) = (processorTime, majorFaults)
            self.name = Array(name.prefix(ThreadUsage.nameLimit))
        }
    }
}

extension WireWriter {
    mutating func put(_ termination: Message.Termination) {
        switch termination {
        case .unhandled: put(UInt8(1))
        case .ended(let milliseconds):
            put(UInt8(2))
            put(milliseconds)
        case .running(let milliseconds):
            put(UInt8(3))
            put(milliseconds)
        }
    }

    mutating func put(_ open: Message.FileOpen) {
        put(open.thread)
        put(open.time)
        put(open.processorTime)
        put(open.path)
    }

    mutating func put(_ usage: Message.ThreadUsage) {
        put(usage.thread)
        put(usage.process)
        put(usage.started)
        put(usage.processorTime)
        put(usage.majorFaults)
        put(usage.name)
    }
}

extension WireReader {
    mutating func termination() -> Message.Termination? {
        switch number(UInt8.self) {
        case 1: .unhandled
        case 2: number(UInt32.self).map { .ended(milliseconds: $0) }
        case 3: number(UInt32.self).map { .running(milliseconds: $0) }
        default: nil
        }
    }

    mutating func fileOpen() -> Message.FileOpen? {
        guard let thread = number(UInt32.self), let time = guestTime(), let used = number(UInt64.self),
            let path = text(), path.count <= ProbeEvent.pathLimit
        else { return nil }
        return Message.FileOpen(thread: thread, time: time, processorTime: used, path: path)
    }

    mutating func samples() -> Message? {
        guard let processor = number(UInt8.self), let bytes = text(), bytes.count <= Message.Samples.limit else {
            return nil
        }
        return .samples(processor: processor, bytes)
    }

    mutating func threadUsage() -> Message.ThreadUsage? {
        guard let thread = number(UInt32.self), let process = number(UInt32.self), let started = number(UInt64.self),
            let used = number(UInt64.self), let faults = number(UInt64.self), let name = text(),
            name.count <= Message.ThreadUsage.nameLimit
        else { return nil }
        return Message.ThreadUsage(
            thread: thread, process: process, started: started, processorTime: used, majorFaults: faults, name: name)
    }
}

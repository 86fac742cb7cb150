internal import Guest

/// The events of one start; each time is in milliseconds from the start of the machine.
public struct StartTrace: Sendable, Equatable {
    /// A phase.
    public struct Span: Sendable, Equatable {
        /// The phase.
        public let name: Phase.PhaseName
        /// Its beginning.
        public let begin: Double
        /// Its duration.
        public let milliseconds: Double
    }

    /// A thread of the image that existed when the probe passed.
    public struct Thread: Sendable, Equatable {
        /// Its number, and that of its process.
        public let number: UInt32
        public let process: UInt32
        /// Its name, safe for a terminal.
        public let name: String
        /// Its start.
        public let begin: Double
        /// Its processor time in milliseconds.
        public let processorMilliseconds: Double
        /// Its page faults that waited for the disk.
        public let majorFaults: UInt64
    }

    /// A file that a thread opened before the probe passed.
    public struct Open: Sendable, Equatable {
        /// The path in the image.
        public let path: [UInt8]
        /// The thread's number.
        public let thread: UInt32
        /// The time.
        public let time: Double
        /// The thread's processor time until then; nil if the thread had already ended.
        public let processorMilliseconds: Double?
    }

    /// A piece of the program's output.
    public struct OutputChunk: Sendable, Equatable {
        /// The time.
        public let time: Double
        /// Its last line, safe for a terminal.
        public let line: String
    }

    /// The phases in order.
    public internal(set) var phases: [Span] = []
    /// The threads in the order of their start; empty if they were not recorded.
    public internal(set) var threads: [Thread] = []
    /// The opened files in the order of time.
    public internal(set) var opens: [Open] = []
    /// The program's output.
    public internal(set) var output: [OutputChunk] = []
    /// The processor time of all the image's threads, also of ended ones; nil if the engine doesn't report it.
    public internal(set) var processorMilliseconds: Double?
    /// The samples of the image's processor time; empty if the kernel can't take them.
    public internal(set) var samples: [SampledWork] = []
    /// The processor time between two samples.
    public internal(set) var sampleMilliseconds = 0.0
    /// True if some opened files or samples are missing.
    public internal(set) var isIncomplete = false

    /// The time of the first byte of the response.
    public var end: Double { phases.last.map { $0.begin + $0.milliseconds } ?? 0 }
}

extension StartTrace {
    /// Makes the trace of a session from its phases and its record.
    init(_ session: GuestSession, _ phases: [(name: Phase.PhaseName, milliseconds: Double)], by clock: PhaseClock) {
        var begin = 0.0
        for phase in phases {
            self.phases.append(Span(name: phase.name, begin: begin, milliseconds: phase.milliseconds))
            begin += phase.milliseconds
        }
        let time = GuestClock(session, clock)
        let (record, end) = (session.record, begin)
        let records = PerfRecords(record.samples)
        isIncomplete = record.isIncomplete || records.hasLosses
        samples = [SampledWork](
            records, opens: record.opens, until: session.marks[.firstByte]?.guest.nanoseconds ?? 0)
        sampleMilliseconds = Double(Message.Samples.period) / 1e6
        processorMilliseconds = session.cpuTimes[.firstByte].map { Double($0) / 1000 }
        threads = record.threads.map { thread in
            Thread(
                number: thread.thread, process: thread.process, name: Transcript.visible(thread.name),
                begin: time.milliseconds(thread.started), processorMilliseconds: Double(thread.processorTime) / 1e6,
                majorFaults: thread.majorFaults)
        }.sorted { ($0.begin, $0.number) < ($1.begin, $1.number) }
        opens = record.opens.compactMap { open in
            let used = open.processorTime == Message.FileOpen.unknownTime ? nil : Double(open.processorTime) / 1e6
            let moment = time.milliseconds(open.time)
            // Init sends the record a little after the first byte.
            guard moment <= end else { return nil }
            return Open(path: open.path, thread: open.thread, time: moment, processorMilliseconds: used)
        }
        output = record.output.map { OutputChunk(time: time.milliseconds($0.time), line: Transcript.visible($0.bytes)) }
    }

    /// The conversion of the guest's times to milliseconds since the start.
    private struct GuestClock {
        private let usesCycles: Bool
        /// The start of the guest's clock, in nanoseconds since the machine's start.
        private let offset: Double

        init(_ session: GuestSession, _ clock: PhaseClock) {
            let started = session.marks[.started]
            let guest = Double(started?.guest.nanoseconds ?? 0)
            switch clock {
            case .host: offset = Double(started?.host ?? 0) - Double(session.start) - guest
            case .shared: offset = -Double(session.start)
            case .instructions: offset = Double(started?.guest.cycles ?? 0) - guest
            }
            usesCycles = if case .instructions = clock { true } else { false }
        }

        func milliseconds(_ nanoseconds: UInt64) -> Double { max(0, (Double(nanoseconds) + offset) / 1e6) }

        func milliseconds(_ time: GuestTime) -> Double {
            usesCycles ? Double(time.cycles) / 1e6 : milliseconds(time.nanoseconds)
        }
    }
}

extension Transcript {
    /// The last line of a text, safe for a terminal.
    fileprivate static func visible(_ bytes: [UInt8]) -> String {
        var transcript = Transcript()
        transcript.append(bytes)
        return transcript.lastLine ?? ""
    }
}

internal import Guest

/// The records of `perf_event_open(2)` that a guest sent, as events in the order of time.
///
/// ```
/// 0      4      6      8                        size - 16        size
/// +------+------+------+------------------------+----------------+
/// | type | misc | size | fields of the type      | thread · time  |     a sample has these between its other fields
/// +------+------+------+------------------------+----------------+
/// ```
/// The bytes are as hostile as their guest: a record that is malformed ends its processor's list.
struct PerfRecords {
    /// A part of an executable file in the memory of a process.
    struct MappedFile: Equatable {
        let start: UInt64
        let byteCount: UInt64
        let fileOffset: UInt64
        let path: [UInt8]
    }

    struct PerfEvent: Equatable {
        enum Kind: Equatable {
            /// The process was made by another, or the thread by one of its process.
            case fork(parent: UInt32)
            /// The thread has a new name; `isProgram` if by running another program.
            case name([UInt8], isProgram: Bool)
            case mapping(MappedFile)
            /// A program counter in user mode, or the one from which the kernel was entered; nil for a kernel thread.
            case sample(address: UInt64?, isKernel: Bool)
        }

        let time: UInt64
        let process: UInt32
        let thread: UInt32
        let kind: Kind
    }

    private(set) var events: [PerfEvent] = []
    /// True if the kernel had no space for some records.
    private(set) var hasLosses = false

    /// The types of records, `enum perf_event_type` of `perf_event.h`; others are skipped.
    private enum RecordType: UInt32 {
        case lost = 2
        case comm = 3
        case fork = 7
        case sample = 9
        case mmap2 = 10
    }

    /// `PERF_RECORD_MISC_COMM_EXEC`: the name is that of a new program.
    private static let miscCommExec: UInt16 = 1 << 13
    /// `PERF_RECORD_MISC_CPUMODE_MASK`, and its value for user mode.
    private static let miscModeMask: UInt16 = 7
    private static let miscUser: UInt16 = 2
    private static let headerSize = 8

    /// Decodes the bytes of each processor.
    init(_ processors: [[UInt8]]) {
        for bytes in processors { decode(bytes) }
        events = events.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
            .map(\.element)
    }

    private mutating func decode(_ bytes: [UInt8]) {
        var position = 0
        while bytes.count - position >= Self.headerSize {
            var header = WireReader(bytes, from: position)
            guard let type = header.number(UInt32.self), let misc = header.number(UInt16.self),
                let size = header.number(UInt16.self), size >= Self.headerSize, Int(size) <= bytes.count - position
            else { return }
            let body = Array(bytes[position + Self.headerSize..<position + Int(size)])
            position += Int(size)
            guard let type = RecordType(rawValue: type) else { continue }
            if type == .lost { hasLosses = true }
            if let event = Self.event(type, misc: misc, body: body) { events.append(event) }
        }
    }

    private static func event(_ type: RecordType, misc: UInt16, body: [UInt8]) -> PerfEvent? {
        var fields = WireReader(body)
        if type == .sample { return sample(&fields, misc) }
        guard body.count >= 24, let process = fields.number(UInt32.self), let second = fields.number(UInt32.self) else {
            return nil
        }
        var trailer = WireReader(body, from: body.count - 8)
        let time = trailer.number(UInt64.self) ?? 0
        switch type {
        case .comm:
            let name = Array(body[8..<body.count - 16].prefix { $0 != 0 })
            return PerfEvent(
                time: time, process: process, thread: second, kind: .name(name, isProgram: misc & miscCommExec != 0))
        case .fork:
            guard let thread = fields.number(UInt32.self) else { return nil }
            return PerfEvent(time: time, process: process, thread: thread, kind: .fork(parent: second))
        case .mmap2:
            return mapping(&fields, body).map {
                PerfEvent(time: time, process: process, thread: second, kind: .mapping($0))
            }
        case .lost, .sample: return nil
        }
    }

    private static func sample(_ fields: inout WireReader, _ misc: UInt16) -> PerfEvent? {
        guard let counter = fields.number(UInt64.self), let process = fields.number(UInt32.self),
            let thread = fields.number(UInt32.self), let time = fields.number(UInt64.self),
            let registers = fields.number(UInt64.self)
        else { return nil }
        let isKernel = misc & miscModeMask != miscUser
        let user = registers == 0 ? nil : fields.number(UInt64.self)
        return PerfEvent(
            time: time, process: process, thread: thread,
            kind: .sample(address: isKernel ? user : counter, isKernel: isKernel))
    }

    private static func mapping(_ fields: inout WireReader, _ body: [UInt8]) -> MappedFile? {
        // After the numbers come the device, the inode and the protection: 32 bytes.
        let nameStart = 64
        guard let start = fields.number(UInt64.self), let byteCount = fields.number(UInt64.self),
            let fileOffset = fields.number(UInt64.self), body.count >= nameStart + 16
        else { return nil }
        return MappedFile(
            start: start, byteCount: byteCount, fileOffset: fileOffset,
            path: Array(body[nameStart..<body.count - 16].prefix { $0 != 0 }))
    }
}

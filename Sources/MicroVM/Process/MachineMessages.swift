// The messages between a program and its machine's process. Those of the process are as hostile as its guest. Reading
// them ends in a value or in nil, and every text is stripped of control characters.
//
// ```
// control   make ──► made | failed          save ──► saved | failed
//           go ──► … console, figures, outcome    figures ──► console, figures    stop
// bell      time, page faults, use of the disk, message ──► answer
// ```

internal import Linux
internal import SystemPackage

/// A request to a machine's process.
enum MachineRequest: Equatable {
    case make(MachinePlan)
    /// Runs the guest; the bytes, if any, are written into its mailbox before.
    case run(deadline: UInt64, reply: [UInt8])
    case save(identity: [UInt8])
    case figures
    case stop

    var bytes: [UInt8] {
        var writer = StateWriter()
        switch self {
        case .make(let plan): return [0] + plan.bytes
        case .run(let deadline, let reply):
            writer.put(UInt8(1))
            writer.put(deadline)
            writer.put(reply)
        case .save(let identity):
            writer.put(UInt8(2))
            writer.put(identity)
        case .figures: writer.put(UInt8(3))
        case .stop: writer.put(UInt8(4))
        }
        return writer.bytes
    }

    init?(_ bytes: [UInt8]) {
        var reader = StateReader(bytes)
        do throws(MachineError) {
            switch try reader.number(UInt8.self) {
            case 0: self = .make(try MachinePlan(reading: &reader))
            case 1: self = .run(deadline: try reader.number(), reply: try reader.string(limit: 1 << 16))
            case 2: self = .save(identity: try reader.string(limit: 1 << 16))
            case 3: self = .figures
            case 4: self = .stop
            default: return nil
            }
            try reader.end()
        } catch { return nil }
    }
}

/// The counters of a machine so far.
struct MachineFigures: Equatable, Sendable {
    var enteredAt: UInt64 = 0
    var exits: UInt64 = 0
    /// Anonymous memory of the process beyond the guest's, in bytes; `nil` if it is not known.
    var overheadBytes: UInt64?
    /// The page faults of the process since it began to make the machine.
    var pageFaults: UInt64 = 0
    var diskReads: DiskReads?
}

/// A reply of a machine's process.
enum MachineReply: Equatable {
    case made
    case failed(MachineError)
    case console([UInt8])
    case figures(MachineFigures)
    case outcome(Machine.RunOutcome)
    case saved

    var bytes: [UInt8] {
        var writer = StateWriter()
        switch self {
        case .made: writer.put(UInt8(0))
        case .failed(let error):
            writer.put(UInt8(1))
            writer.put(error)
        case .console(let text):
            writer.put(UInt8(2))
            writer.put(text)
        case .figures(let figures):
            writer.put(UInt8(3))
            writer.put(figures)
        case .outcome(let outcome):
            writer.put(UInt8(4))
            writer.put(outcome)
        case .saved: writer.put(UInt8(5))
        }
        return writer.bytes
    }

    init?(_ bytes: [UInt8]) {
        var reader = StateReader(bytes)
        do throws(MachineError) {
            switch try reader.number(UInt8.self) {
            case 0: self = .made
            case 1: self = .failed(try reader.error())
            case 2: self = .console(try reader.string(limit: MessageChannel.longestMessage))
            case 3: self = .figures(try reader.figures())
            case 4: self = .outcome(try reader.outcome())
            case 5: self = .saved
            default: return nil
            }
            try reader.end()
        } catch { return nil }
    }
}

/// One ring of the guest's doorbell, as the machine's process passes it on.
struct DoorbellRing: Equatable {
    var time: UInt64
    var pageFaults: UInt64
    var diskReads: DiskReads?
    var message: [UInt8]

    var bytes: [UInt8] {
        var writer = StateWriter()
        writer.put(time)
        writer.put(pageFaults)
        writer.put(diskReads)
        writer.put(message)
        return writer.bytes
    }

    init(time: UInt64, pageFaults: UInt64, diskReads: DiskReads?, message: [UInt8]) {
        self.time = time
        self.pageFaults = pageFaults
        self.diskReads = diskReads
        self.message = message
    }

    init?(_ bytes: [UInt8]) {
        var reader = StateReader(bytes)
        do throws(MachineError) {
            (time, pageFaults) = (try reader.number(), try reader.number())
            diskReads = try reader.diskReads()
            message = try reader.string(limit: 1 << 16)
            try reader.end()
        } catch { return nil }
    }
}

extension DoorbellResponse {
    var bytes: [UInt8] {
        switch self {
        case .proceed(let reply): [0] + reply
        case .pause: [1]
        case .end: [2]
        }
    }

    init?(_ bytes: [UInt8]) {
        switch bytes.first {
        case 0: self = .proceed(reply: Array(bytes.dropFirst()))
        case 1: self = .pause
        case 2: self = .end
        default: return nil
        }
    }
}

// MARK: - Parts

extension StateWriter {
    mutating func put(_ use: DiskReads?) {
        put(UInt8(use == nil ? 0 : 1))
        put(UInt64(use?.reads ?? 0))
        put(UInt64(use?.bytesRead ?? 0))
    }

    mutating func put(_ figures: MachineFigures) {
        put(figures.enteredAt)
        put(figures.exits)
        put(UInt8(figures.overheadBytes == nil ? 0 : 1))
        put(figures.overheadBytes ?? 0)
        put(figures.pageFaults)
        put(figures.diskReads)
    }

    mutating func put(_ outcome: Machine.RunOutcome) {
        let (number, reason): (UInt8, String) =
            switch outcome {
            case .paused: (0, "")
            case .ended(.reset): (1, "")
            case .ended(.finished): (2, "")
            case .ended(.stopped): (3, "")
            case .ended(.timedOut): (4, "")
            case .ended(.failed(let reason)): (5, reason)
            }
        put(number)
        put(Array(reason.utf8))
    }

    mutating func put(_ error: MachineError) {
        let (number, text, path, errno): (UInt8, String, FilePath?, Errno?) =
            switch error {
            case .unavailable(let path, let errno): (0, "", path, errno)
            case .incapable(let text): (1, text, nil, nil)
            case .refused(let text, let errno): (2, text, nil, errno)
            case .host(let text, let path, let errno): (3, text, path, errno)
            case .unbootableKernel(let text): (4, text, nil, nil)
            case .impossible(let text): (5, text, nil, nil)
            case .brokenSnapshot(let text): (6, text, nil, nil)
            case .guestFault(let text): (7, text, nil, nil)
            }
        put(number)
        put(Array(text.utf8))
        put(UInt8(path == nil ? 0 : 1))
        put(Array((path?.string ?? "").utf8))
        put(errno?.rawValue ?? 0)
    }
}

extension StateReader {
    mutating func diskReads() throws(MachineError) -> DiskReads? {
        let isKnown = try number(UInt8.self) != 0
        let (reads, bytesRead): (UInt64, UInt64) = (try number(), try number())
        return isKnown ? DiskReads(reads: Int(clamping: reads), bytesRead: Int(clamping: bytesRead)) : nil
    }

    mutating func figures() throws(MachineError) -> MachineFigures {
        var figures = MachineFigures()
        (figures.enteredAt, figures.exits) = (try number(), try number())
        let isKnown = try number(UInt8.self) != 0
        let overhead: UInt64 = try number()
        figures.overheadBytes = isKnown ? overhead : nil
        figures.pageFaults = try number()
        figures.diskReads = try diskReads()
        return figures
    }

    mutating func outcome() throws(MachineError) -> Machine.RunOutcome {
        let (kind, reason) = (try number(UInt8.self), try text())
        switch kind {
        case 0: return .paused
        case 1: return .ended(.reset)
        case 2: return .ended(.finished)
        case 3: return .ended(.stopped)
        case 4: return .ended(.timedOut)
        default: return .ended(.failed(reason))
        }
    }

    mutating func error() throws(MachineError) -> MachineError {
        let (kind, text) = (try number(UInt8.self), try text())
        let hasPath = try number(UInt8.self) != 0
        let name = try self.text()
        let path = hasPath ? FilePath(name) : nil
        let errno = Errno(rawValue: try number())
        switch kind {
        case 0: return .unavailable(path ?? "/dev/kvm", errno)
        case 1: return .incapable(text)
        case 2: return .refused(text, errno)
        case 3: return .host(text, path, errno)
        case 4: return .unbootableKernel(text)
        case 5: return .impossible(text)
        case 6: return .brokenSnapshot(text)
        default: return .guestFault(text)
        }
    }

    /// Reads a text of one line, without control characters.
    private mutating func text() throws(MachineError) -> String {
        let text = String(decoding: try string(limit: 8192), as: UTF8.self)
        let plain = text.unicodeScalars.filter { ![.control, .format].contains($0.properties.generalCategory) }
        return String(String.UnicodeScalarView(plain))
    }
}

/// An event of the probes of a boot spec: init runs one probe after the other, and sends each response with its digest.
///
/// The host can so compare complete responses with another image's.
public enum ProbeEvent: Equatable, Sendable {
    /// Bytes from the beginning of a part of a probe's response, in order.
    case chunk(probe: UInt16, ResponsePart, [UInt8])
    /// The size of a whole part in bytes, and its SHA-256.
    case total(probe: UInt16, ResponsePart, byteCount: UInt64, digest: [UInt8])
    /// The probe is done, with this outcome.
    case finished(probe: UInt16, ProbeResult.Outcome)
    /// The TCP ports with a listener after the last probe, sorted, at most ``portLimit``.
    case listening([UInt16])
    /// The names of the image's living processes after the last probe, each once and sorted, at most ``processLimit``.
    case processes([[UInt8]])
    /// A file or directory of the image that was opened, at most ``pathLimit`` bytes.
    case openedFile([UInt8])
    /// More files were opened than could be observed.
    case openedFilesIncomplete
    /// Files can't be observed, with the kernel's errno.
    case observationFailed(UInt32)

    /// The maximum length of a path in bytes.
    public static let pathLimit = 4_096
    /// The maximum number of ports, the lowest ones: they fit a frame.
    public static let portLimit = 2_048
    /// The maximum number of names of processes: they fit a frame.
    public static let processLimit = 256
    /// The maximum length of a process's name in bytes; the kernel's are shorter.
    static let nameLimit = 16
    /// The maximum number of bytes in one piece.
    public static let chunkLimit = 4_096
    /// The length of a SHA-256 in bytes.
    static let digestLength = 32

    /// A part of a response.
    public enum ResponsePart: UInt8, Sendable, CaseIterable {
        /// The status line and the header fields of an HTTP response.
        case head = 1
        /// The body of an HTTP response, or a command's stdout.
        case body
        /// A command's stderr.
        case stderr
    }
}

extension WireWriter {
    mutating func put(_ probeEvent: ProbeEvent) {
        switch probeEvent {
        case .chunk(let probe, let part, let bytes):
            put(UInt8(1))
            put(probe)
            put(part.rawValue)
            put(bytes)
        case .total(let probe, let part, let byteCount, let digest):
            put(UInt8(2))
            put(probe)
            put(part.rawValue)
            put(byteCount)
            put(digest)
        case .finished(let probe, let outcome):
            put(UInt8(3))
            put(probe)
            put(outcome)
        case .listening(let ports):
            put(UInt8(4))
            put(UInt16(truncatingIfNeeded: ports.count))
            for port in ports { put(port) }
        case .openedFile(let path):
            put(UInt8(5))
            put(path)
        case .openedFilesIncomplete: put(UInt8(6))
        case .observationFailed(let errno):
            put(UInt8(7))
            put(errno)
        case .processes(let names):
            put(UInt8(8))
            put(names)
        }
    }
}

extension WireReader {
    mutating func probeEvent() -> ProbeEvent? {
        switch number(UInt8.self) {
        case 1:
            guard let (probe, part) = part(), let bytes = text(), bytes.count <= ProbeEvent.chunkLimit else {
                return nil
            }
            return .chunk(probe: probe, part, bytes)
        case 2:
            guard let (probe, part) = part(), let byteCount = number(UInt64.self), let digest = text(),
                digest.count == ProbeEvent.digestLength
            else { return nil }
            return .total(probe: probe, part, byteCount: byteCount, digest: digest)
        case 3:
            guard let probe = number(UInt16.self), let outcome = outcome() else { return nil }
            return .finished(probe: probe, outcome)
        case 4: return ports().map { .listening($0) }
        case 5: return text().flatMap { $0.count <= ProbeEvent.pathLimit ? .openedFile($0) : nil }
        case 6: return .openedFilesIncomplete
        case 7: return number(UInt32.self).map { .observationFailed($0) }
        case 8:
            guard let names = list(), names.count <= ProbeEvent.processLimit,
                names.allSatisfy({ $0.count <= ProbeEvent.nameLimit })
            else { return nil }
            return .processes(names)
        default: return nil
        }
    }

    private mutating func part() -> (UInt16, ProbeEvent.ResponsePart)? {
        guard let probe = number(UInt16.self), let part = number().flatMap(ProbeEvent.ResponsePart.init(rawValue:))
        else {
            return nil
        }
        return (probe, part)
    }

    private mutating func ports() -> [UInt16]? {
        guard let count = number(UInt16.self), count <= ProbeEvent.portLimit else { return nil }
        return ports(Int(count))
    }
}

/// A probe event of an interview: init runs one probe after the other, and sends each response with its digest.
///
/// The host can so compare complete responses with another image's.
public enum Told: Equatable, Sendable {
    /// Bytes from the beginning of a part of a probe's response, in order.
    case piece(question: UInt16, Part, [UInt8])
    /// The size of a whole part in bytes, and its SHA-256.
    case whole(question: UInt16, Part, byteCount: UInt64, digest: [UInt8])
    /// The probe is done, with this outcome.
    case settled(question: UInt16, Outcome)
    /// The TCP ports with a listener after the last probe, sorted, at most ``portLimit``.
    case listening([UInt16])
    /// A file or directory of the image that was opened, at most ``pathLimit`` bytes.
    case opened([UInt8])
    /// More files were opened than could be observed.
    case overlooked
    /// Files can't be observed, with the kernel's errno.
    case blind(UInt32)

    /// The maximum number of bytes of a part that are sent: enough to show where two responses differ.
    public static let beginningLimit = 65_536
    /// The maximum length of a path in bytes.
    public static let pathLimit = 4_096
    /// The maximum number of ports, the lowest ones: they fit a frame.
    public static let portLimit = 2_048
    /// The maximum number of bytes in one piece.
    public static let pieceLimit = 4_096
    /// The length of a SHA-256 in bytes.
    static let digestLength = 32

    /// A part of a response.
    public enum Part: UInt8, Sendable, CaseIterable {
        /// The status line and the header fields of an HTTP response.
        case head = 1
        /// The body of an HTTP response, or a command's stdout.
        case body
        /// A command's stderr.
        case errors
    }

    /// The outcome of a probe.
    public enum Outcome: Equatable, Sendable {
        /// A response, also one that does not pass.
        case answered(Message.Answer)
        /// There was no response before the timeout.
        case silent
        /// The command could not be started, with the kernel's errno.
        case unstarted(UInt32)
    }
}

extension WireWriter {
    mutating func put(_ told: Told) {
        switch told {
        case .piece(let question, let part, let bytes):
            put(UInt8(1))
            put(question)
            put(part.rawValue)
            put(bytes)
        case .whole(let question, let part, let byteCount, let digest):
            put(UInt8(2))
            put(question)
            put(part.rawValue)
            put(byteCount)
            put(digest)
        case .settled(let question, let outcome):
            put(UInt8(3))
            put(question)
            put(outcome)
        case .listening(let ports):
            put(UInt8(4))
            put(UInt16(truncatingIfNeeded: ports.count))
            for port in ports { put(port) }
        case .opened(let path):
            put(UInt8(5))
            put(path)
        case .overlooked: put(UInt8(6))
        case .blind(let errno):
            put(UInt8(7))
            put(errno)
        }
    }

    private mutating func put(_ outcome: Told.Outcome) {
        switch outcome {
        case .answered(let answer):
            put(UInt8(1))
            put(answer)
        case .silent: put(UInt8(2))
        case .unstarted(let errno):
            put(UInt8(3))
            put(errno)
        }
    }
}

extension WireReader {
    mutating func told() -> Told? {
        switch number(UInt8.self) {
        case 1:
            guard let (question, part) = part(), let bytes = text(), bytes.count <= Told.pieceLimit else { return nil }
            return .piece(question: question, part, bytes)
        case 2:
            guard let (question, part) = part(), let byteCount = number(UInt64.self), let digest = text(),
                digest.count == Told.digestLength
            else { return nil }
            return .whole(question: question, part, byteCount: byteCount, digest: digest)
        case 3:
            guard let question = number(UInt16.self), let outcome = outcome() else { return nil }
            return .settled(question: question, outcome)
        case 4: return ports().map { .listening($0) }
        case 5: return text().flatMap { $0.count <= Told.pathLimit ? .opened($0) : nil }
        case 6: return .overlooked
        case 7: return number(UInt32.self).map { .blind($0) }
        default: return nil
        }
    }

    private mutating func part() -> (UInt16, Told.Part)? {
        guard let question = number(UInt16.self), let part = number().flatMap(Told.Part.init(rawValue:)) else {
            return nil
        }
        return (question, part)
    }

    private mutating func outcome() -> Told.Outcome? {
        switch number(UInt8.self) {
        case 1: answer().map { .answered($0) }
        case 2: .silent
        case 3: number(UInt32.self).map { .unstarted($0) }
        default: nil
        }
    }

    private mutating func ports() -> [UInt16]? {
        guard let count = number(UInt16.self), count <= Told.portLimit else { return nil }
        return ports(Int(count))
    }
}

/// One message on a byte stream that may carry anything else in between.
///
/// ```
///  0      1      2        4          8                    8 + length
/// +------+------+--------+----------+--------------------+
/// | 0xF5 | 0x54 | length | checksum | payload            |     little-endian; 0xF5 occurs in no UTF-8 text
/// +------+------+--------+----------+--------------------+
/// ```
/// A reader that finds a wrong checksum skips the two start bytes only, so one damaged frame never hides the next.
public enum Frame {
    /// The maximum size of a payload in bytes.
    public static let limit = 8_192
    static let start: [UInt8] = [0xF5, 0x54]
    static let headerLength = 8

    /// Encodes one frame.
    ///
    /// - Precondition: `payload` holds at most ``limit`` bytes.
    public static func encode(_ payload: [UInt8]) -> [UInt8] {
        precondition(payload.count <= limit)
        var writer = WireWriter()
        writer.put(start[0])
        writer.put(start[1])
        writer.put(UInt16(payload.count))
        writer.put(checksum(payload[...]))
        return writer.bytes + payload
    }

    /// FNV-1a over the payload: it detects damage, not forgery.
    static func checksum(_ payload: ArraySlice<UInt8>) -> UInt32 {
        let (offsetBasis, prime): (UInt32, UInt32) = (0x811c_9dc5, 0x0100_0193)
        var hash = offsetBasis
        for byte in payload { hash = (hash ^ UInt32(byte)) &* prime }
        return hash
    }
}

/// A parser for frames in a stream that arrives in pieces; bytes between frames are dropped.
///
/// It never holds more than the size of one frame beyond the bytes of one call.
public struct FrameReader: Sendable {
    private var pending: [UInt8] = []

    /// A reader at the start of a stream.
    public init() {}

    /// Returns the payloads that are complete once `bytes` have arrived.
    public mutating func receive(_ bytes: [UInt8]) -> [[UInt8]] {
        pending += bytes
        var payloads: [[UInt8]] = []
        var position = 0
        scan: while position < pending.count {
            switch frame(at: position) {
            case .noise: position += 1
            case .incomplete: break scan
            case .payload(let range):
                payloads.append(Array(pending[range]))
                position = range.upperBound
            }
        }
        pending.removeFirst(position)
        return payloads
    }

    private enum ScanResult {
        case noise
        case incomplete
        case payload(Range<Int>)
    }

    private func frame(at position: Int) -> ScanResult {
        guard pending[position] == Frame.start[0] else { return .noise }
        let available = pending.count - position
        guard available < 2 || pending[position + 1] == Frame.start[1] else { return .noise }
        guard available >= Frame.headerLength else { return .incomplete }
        var header = WireReader(pending, from: position + 2)
        guard let length = header.number(UInt16.self), let checksum = header.number(UInt32.self),
            Int(length) <= Frame.limit
        else { return .noise }
        let payload = (position + Frame.headerLength)..<(position + Frame.headerLength + Int(length))
        guard payload.upperBound <= pending.count else { return .incomplete }
        return Frame.checksum(pending[payload]) == checksum ? .payload(payload) : .noise
    }
}

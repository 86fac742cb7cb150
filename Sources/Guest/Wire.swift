/// An encoder for the few types of the wire format: little-endian integers, and bytes after their length.
struct WireWriter {
    private(set) var bytes: [UInt8] = []

    mutating func put<Number: FixedWidthInteger & UnsignedInteger>(_ number: Number) {
        var rest = number
        for _ in 0..<(Number.bitWidth / 8) {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }

    /// Appends at most 4 GiB of bytes; the length comes first.
    mutating func put(_ text: [UInt8]) {
        put(UInt32(truncatingIfNeeded: text.count))
        bytes.append(contentsOf: text)
    }

    mutating func put(_ list: [[UInt8]]) {
        put(UInt32(truncatingIfNeeded: list.count))
        for text in list { put(text) }
    }
}

/// A decoder for the same types in untrusted bytes; it returns `nil` once they run out.
public struct WireReader {
    private let bytes: [UInt8]
    private var position: Int

    /// A decoder from a position of the bytes.
    public init(_ bytes: [UInt8], from position: Int = 0) {
        self.bytes = bytes
        self.position = position
    }

    var isAtEnd: Bool { position >= bytes.count }

    /// Reads a number; nil if too few bytes are left.
    public mutating func number<Number: FixedWidthInteger & UnsignedInteger>(_: Number.Type = Number.self) -> Number? {
        let width = Number.bitWidth / 8
        guard bytes.count - position >= width else { return nil }
        var value: Number = 0
        for index in (0..<width).reversed() { value = value << 8 | Number(bytes[position + index]) }
        position += width
        return value
    }

    mutating func text() -> [UInt8]? {
        guard let count = number(UInt32.self), Int(count) <= bytes.count - position else { return nil }
        defer { position += Int(count) }
        return Array(bytes[position..<(position + Int(count))])
    }

    /// Reads a list; each element takes at least four bytes, so a forged count is refused before any allocation.
    mutating func list() -> [[UInt8]]? {
        guard let count = number(UInt32.self), Int(count) <= (bytes.count - position) / 4 else { return nil }
        var list: [[UInt8]] = []
        for _ in 0..<count {
            guard let text = text() else { return nil }
            list.append(text)
        }
        return list
    }

    mutating func ports(_ count: Int) -> [UInt16]? {
        var ports: [UInt16] = []
        for _ in 0..<count {
            guard let port = number(UInt16.self) else { return nil }
            ports.append(port)
        }
        return ports
    }
}

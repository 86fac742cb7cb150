/// Appends the few shapes that the wire knows: little-endian integers, and bytes behind their length.
struct WireWriter {
    private(set) var bytes: [UInt8] = []

    mutating func put<Number: FixedWidthInteger & UnsignedInteger>(_ number: Number) {
        var rest = number
        for _ in 0..<(Number.bitWidth / 8) {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }

    /// At most 4 GiB of bytes; the length goes first.
    mutating func put(_ text: [UInt8]) {
        put(UInt32(truncatingIfNeeded: text.count))
        bytes.append(contentsOf: text)
    }

    mutating func put(_ list: [[UInt8]]) {
        put(UInt32(truncatingIfNeeded: list.count))
        for text in list { put(text) }
    }
}

/// Takes the same shapes off the front of bytes that nobody vouches for; `nil` once they run out.
struct WireReader {
    private let bytes: [UInt8]
    private var position: Int

    init(_ bytes: [UInt8], from position: Int = 0) {
        self.bytes = bytes
        self.position = position
    }

    var isAtEnd: Bool { position >= bytes.count }

    mutating func number<Number: FixedWidthInteger & UnsignedInteger>(_: Number.Type = Number.self) -> Number? {
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

    /// A list costs at least four bytes per element, so a count that lies is refused before anything is reserved.
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

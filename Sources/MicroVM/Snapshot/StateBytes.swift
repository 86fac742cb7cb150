internal import Linux

// The bytes of a snapshot's state: little-endian numbers of fixed width, and byte strings after their length.

/// Writes state.
struct StateWriter {
    private(set) var bytes: [UInt8] = []

    mutating func put(_ number: some FixedWidthInteger) { bytes.append(little: number) }

    mutating func put(_ string: [UInt8]) {
        put(UInt32(string.count))
        bytes += string
    }
}

/// Reads state from an untrusted source: each read ends in a value or an error.
struct StateReader {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Reads the next number.
    mutating func number<Number: FixedWidthInteger>(_: Number.Type = Number.self) throws(MachineError) -> Number {
        guard let number = bytes.number(Number.self, at: offset) else { throw .brokenSnapshot("it is truncated") }
        offset += Number.bitWidth / 8
        return number
    }

    /// Reads the next byte string, of at most `limit` bytes.
    mutating func string(limit: Int) throws(MachineError) -> [UInt8] {
        let count = Int(try number(UInt32.self))
        guard count <= limit else { throw .brokenSnapshot("a part has \(count) bytes, not at most \(limit)") }
        guard bytes.count - offset >= count else { throw .brokenSnapshot("it is truncated") }
        defer { offset += count }
        return Array(bytes[offset..<offset + count])
    }

    /// Fails if bytes are left.
    func end() throws(MachineError) {
        guard offset == bytes.count else { throw .brokenSnapshot("it has excess bytes at its end") }
    }
}

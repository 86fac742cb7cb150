/// The writer of the bytes that ``FactsReader`` reads.
struct FactsWriter {
    private(set) var bytes: [UInt8] = []

    /// Writes seven bits a byte, lowest first.
    mutating func write(_ number: some BinaryInteger) {
        var rest = UInt64(truncatingIfNeeded: number)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func write(bytes text: some Collection<UInt8>) {
        write(text.count)
        bytes += text
    }

    mutating func write(_ text: String) { write(bytes: Array(text.utf8)) }

    mutating func write(optional text: String?) { write(list: text.map { [$0] } ?? []) { $0.write($1) } }

    mutating func write<Element>(list: some Collection<Element>, _ body: (inout FactsWriter, Element) -> Void) {
        write(list.count)
        for element in list { body(&self, element) }
    }
}

/// Bytes that aren't those of facts.
struct DamagedFacts: Error {}

/// The reader of kept facts; damaged ones end in an error, never in a trap.
struct FactsReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func number() throws(DamagedFacts) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let byte = rest.popFirst() else { break }
            value |= UInt64(byte & 0x7f) &<< shift
            if byte < 0x80 { return value }
        }
        throw DamagedFacts()
    }

    /// Reads a number that fits `Number`.
    mutating func integer<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) throws(DamagedFacts) -> Number {
        let number = try number()
        if Number.isSigned { return Number(truncatingIfNeeded: number) }
        guard let value = Number(exactly: number) else { throw DamagedFacts() }
        return value
    }

    mutating func bytes() throws(DamagedFacts) -> ArraySlice<UInt8> {
        let count = try integer(UInt32.self)
        guard Int(count) <= rest.count else { throw DamagedFacts() }
        defer { rest = rest.dropFirst(Int(count)) }
        return rest.prefix(Int(count))
    }

    mutating func text() throws(DamagedFacts) -> String { try bytes().text }

    mutating func optionalText() throws(DamagedFacts) -> String? {
        try list { (reader) throws(DamagedFacts) in try reader.text() }.first
    }

    mutating func list<Element>(
        _ element: (inout FactsReader) throws(DamagedFacts) -> Element
    ) throws(DamagedFacts) -> [Element] {
        let count = Int(try integer(UInt32.self))
        // Each element has at least one byte.
        guard count <= rest.count else { throw DamagedFacts() }
        var list: [Element] = []
        list.reserveCapacity(count)
        for _ in 0..<count { list.append(try element(&self)) }
        return list
    }
}

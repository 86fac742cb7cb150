/// The lines of a byte sequence, without their ends and without copies.
public struct ByteLines: Sequence, IteratorProtocol {
    private var rest: ArraySlice<UInt8>

    /// The lines of `bytes`.
    public init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    public mutating func next() -> ArraySlice<UInt8>? {
        guard !rest.isEmpty else { return nil }
        let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
        defer { rest = rest[end...].dropFirst() }
        let line = rest[..<end]
        return line.last == UInt8(ascii: "\r") ? line.dropLast() : line
    }
}

extension RandomAccessCollection<UInt8> {
    /// True if these bytes end in those of `text`.
    public func hasSuffix(_ text: StaticString) -> Bool {
        count >= text.utf8CodeUnitCount && suffix(text.utf8CodeUnitCount).elementsEqual(text.description.utf8)
    }

    /// True if these bytes begin with those of `text`.
    public func hasPrefix(_ text: String) -> Bool { starts(with: text.utf8) }

    /// The bytes as text; invalid UTF-8 becomes U+FFFD.
    public var text: String { String(decoding: self, as: UTF8.self) }

    /// The bytes without blanks and tabs at both ends.
    public var trimmed: SubSequence {
        let isBlank: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        guard let first = firstIndex(where: { !isBlank($0) }), let last = lastIndex(where: { !isBlank($0) }) else {
            return self[endIndex...]
        }
        return self[first...last]
    }
}

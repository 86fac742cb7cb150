/// An error in the pattern of a rule for secrets.
public struct SecretPatternError: Error, CustomStringConvertible, Equatable {
    /// The reason, without the pattern.
    public let description: String
}

/// A pattern of bytes: literal characters, classes such as `[A-Za-z0-9_-]`, `\d` and `\w`, and counts such as `{20,40}`.
///
/// A count takes as many characters as it can and never gives one back, so a match costs the time to read it.
struct SecretPattern: Sendable {
    /// The literal characters at the start.
    let start: [UInt8]
    private let parts: [PatternPart]

    private struct PatternPart {
        var set: ByteSet
        var least = 1
        var most = 1
    }

    /// The length that `+` and `*` allow.
    private static let longest = 4096

    /// Parses a pattern that begins with at least `literals` literal characters.
    init(_ text: String, literals: Int = 3) throws(SecretPatternError) {
        var parser = Parser(rest: Array(text.utf8)[...])
        var parts: [PatternPart] = []
        while let part = try parser.next() { parts.append(part) }
        let leading = parts.prefix { $0.least == 1 && $0.most == 1 && $0.set.single != nil }
        start = leading.compactMap(\.set.single)
        self.parts = Array(parts.dropFirst(start.count))
        if start.count < literals {
            throw SecretPatternError(description: "it must begin with \(literals) literal characters")
        }
        if self.parts.isEmpty { throw SecretPatternError(description: "it has only literal characters") }
    }

    /// Returns the end of the match that begins at `index`; nil if there is none.
    ///
    /// A match does not end inside a longer word of the last class.
    func end(in bytes: ArraySlice<UInt8>, from index: Int) -> Int? {
        guard bytes[index...].starts(with: start) else { return nil }
        var cursor = index + start.count
        for part in parts {
            let limit = min(bytes.endIndex, cursor + part.most)
            var end = cursor
            while end < limit, part.set.contains(bytes[end]) { end += 1 }
            if end - cursor < part.least { return nil }
            cursor = end
        }
        if let last = parts.last, cursor < bytes.endIndex, last.set.contains(bytes[cursor]) { return nil }
        return cursor
    }

    /// True if a match may have digits after the literal start.
    var allowsDigits: Bool { parts.contains { $0.set.contains(UInt8(ascii: "0")) } }

    /// True if the pattern matches all of `bytes`.
    func matches(_ bytes: ArraySlice<UInt8>) -> Bool { end(in: bytes, from: bytes.startIndex) == bytes.endIndex }
}

/// A set of bytes.
struct ByteSet: Sendable {
    private var bits = SIMD4<UInt64>()

    /// Makes a set of the bytes of `text`.
    init(_ text: some Sequence<UInt8> = []) { for byte in text { insert(byte) } }

    mutating func insert(_ byte: UInt8) { bits[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }

    func contains(_ byte: UInt8) -> Bool { bits[Int(byte >> 6)] >> UInt64(byte & 63) & 1 != 0 }

    /// The only byte of the set; nil if there are more.
    var single: UInt8? {
        let bytes = (UInt8.min...UInt8.max).filter(contains)
        return bytes.count == 1 ? bytes[0] : nil
    }

    static let digits = ByteSet(UInt8(ascii: "0")...UInt8(ascii: "9"))
    static let word = ByteSet("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_".utf8)
}

extension SecretPattern {
    private struct Parser {
        var rest: ArraySlice<UInt8>

        mutating func next() throws(SecretPatternError) -> PatternPart? {
            guard let byte = rest.popFirst() else { return nil }
            var part: PatternPart
            switch byte {
            case UInt8(ascii: "["): part = PatternPart(set: try characterClass())
            case UInt8(ascii: "\\"): part = PatternPart(set: try escape())
            case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "|"), UInt8(ascii: "."), UInt8(ascii: "^"),
                UInt8(ascii: "$"), UInt8(ascii: "{"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"):
                let character = Character(UnicodeScalar(byte))
                throw SecretPatternError(description: "'\(character)' is not supported here; write '\\\(character)'")
            default: part = PatternPart(set: ByteSet([byte]))
            }
            try count(&part)
            return part
        }

        private mutating func escape() throws(SecretPatternError) -> ByteSet {
            switch rest.popFirst() {
            case nil: throw SecretPatternError(description: "it ends in '\\'")
            case UInt8(ascii: "d"): return .digits
            case UInt8(ascii: "w"): return .word
            case let byte?: return ByteSet([byte])
            }
        }

        private mutating func characterClass() throws(SecretPatternError) -> ByteSet {
            var set = ByteSet()
            var last: UInt8?
            while let byte = rest.popFirst() {
                if byte == UInt8(ascii: "]") { return set }
                if byte == UInt8(ascii: "-"), let from = last, let to = rest.first, to != UInt8(ascii: "]") {
                    guard from <= to else { throw SecretPatternError(description: "a range in [] is reversed") }
                    for member in from...to { set.insert(member) }
                    rest.removeFirst()
                    last = nil
                    continue
                }
                let member = byte == UInt8(ascii: "\\") ? rest.popFirst() ?? byte : byte
                if member != byte, member == UInt8(ascii: "d") || member == UInt8(ascii: "w") {
                    let known = member == UInt8(ascii: "d") ? ByteSet.digits : ByteSet.word
                    for byte in UInt8.min...UInt8.max where known.contains(byte) { set.insert(byte) }
                } else {
                    set.insert(member)
                    last = member
                }
            }
            throw SecretPatternError(description: "'[' has no ']'")
        }

        /// Reads `+`, `*`, `?`, `{4}`, `{4,}` or `{4,8}`.
        private mutating func count(_ part: inout PatternPart) throws(SecretPatternError) {
            switch rest.first {
            case UInt8(ascii: "+"): part.most = longest
            case UInt8(ascii: "*"): (part.least, part.most) = (0, longest)
            case UInt8(ascii: "?"): part.least = 0
            case UInt8(ascii: "{"):
                let text = String(decoding: rest.dropFirst().prefix { $0 != UInt8(ascii: "}") }, as: UTF8.self)
                let bounds = text.split(separator: ",", omittingEmptySubsequences: false)
                guard let least = Int(bounds[0]), bounds.count <= 2,
                    let most = bounds.count == 1 ? least : bounds[1].isEmpty ? longest : Int(bounds[1]),
                    0 <= least, least <= most, most <= longest
                else { throw SecretPatternError(description: "'{\(text)}' is not a count") }
                (part.least, part.most) = (least, most)
                rest = rest.dropFirst(text.utf8.count + 1)
            default: return
            }
            if rest.popFirst() == nil { throw SecretPatternError(description: "'{' has no '}'") }
        }

        private var longest: Int { SecretPattern.longest }
    }
}

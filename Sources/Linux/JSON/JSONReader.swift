/// Reads a document (RFC 8259) from its first byte to its last, each byte once.
///
/// Of several members with the same name the last one counts, as in Go programs such as registries and Docker. An
/// unpaired surrogate becomes U+FFFD, as in Go.
struct JSONReader {
    /// Deeper documents are rejected before they are read: every level uses stack space.
    static let depthLimit = 512

    private let bytes: [UInt8]
    /// The number of elements of each array and object, in the order in which they begin.
    private let counts: [Int32]
    private var nextCount = 0
    private var position = 0
    /// A reusable buffer for the bytes of a string with escapes.
    private var unescaped: [UInt8] = []

    init(_ bytes: [UInt8]) throws(JSONError) {
        self.bytes = bytes
        counts = try JSONPrescan.counts(in: bytes, depthLimit: Self.depthLimit)
    }

    /// Reads the value of the whole document.
    mutating func document() throws(JSONError) -> JSON {
        let value = try value()
        guard byte == nil else { throw unexpected }
        return value
    }

    private var unexpected: JSONError { .unexpectedByte(offset: position) }

    /// The next byte other than white space; nil at the end.
    private var byte: UInt8? {
        mutating get {
            while position < bytes.count {
                switch bytes[position] {
                case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"): position += 1
                case let byte: return byte
                }
            }
            return nil
        }
    }

    private mutating func value() throws(JSONError) -> JSON {
        switch byte {
        case UInt8(ascii: "\""): return .string(try text())
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
        for expected in word.description.utf8 {
            guard position < bytes.count, bytes[position] == expected else { throw unexpected }
            position += 1
        }
        return value
    }
}

// MARK: - Arrays and objects

extension JSONReader {
    private mutating func array() throws(JSONError) -> JSON {
        let count = nextElementCount()
        if isEmpty(end: UInt8(ascii: "]")) { return .array([]) }
        var elements: [JSON] = []
        elements.reserveCapacity(count)
        repeat { elements.append(try value()) } while try isContinued(end: UInt8(ascii: "]"))
        return .array(elements)
    }

    private mutating func object() throws(JSONError) -> JSON {
        let count = nextElementCount()
        if isEmpty(end: UInt8(ascii: "}")) { return .object([:]) }
        var members: [JSON.Key: JSON] = [:]
        members.reserveCapacity(count)
        repeat {
            guard byte == UInt8(ascii: "\"") else { throw unexpected }
            let key = JSON.Key(try text())
            guard byte == UInt8(ascii: ":") else { throw unexpected }
            position += 1
            members[key] = try value()
        } while try isContinued(end: UInt8(ascii: "}"))
        return .object(members)
    }

    private mutating func nextElementCount() -> Int {
        nextCount += 1
        return Int(counts[nextCount - 1])
    }

    /// Skips the opening bracket, and the closing one if it follows.
    private mutating func isEmpty(end: UInt8) -> Bool {
        position += 1
        guard byte == end else { return false }
        position += 1
        return true
    }

    /// Skips the comma, or the closing bracket.
    private mutating func isContinued(end: UInt8) throws(JSONError) -> Bool {
        guard let byte, byte == UInt8(ascii: ",") || byte == end else { throw unexpected }
        position += 1
        return byte != end
    }
}

// MARK: - Numbers

extension JSONReader {
    private mutating func number() throws(JSONError) -> JSON {
        let start = position
        skip(UInt8(ascii: "-"))
        if !skip(UInt8(ascii: "0")) { try digits() }
        var isWhole = true
        if skip(UInt8(ascii: ".")) {
            isWhole = false
            try digits()
        }
        if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
            isWhole = false
            if !skip(UInt8(ascii: "-")) { skip(UInt8(ascii: "+")) }
            try digits()
        }
        if isWhole, let value = whole(start..<position) { return .integer(value) }
        return .literal(String(decoding: bytes[start..<position], as: UTF8.self))
    }

    /// Returns the number's value if an `Int64` can hold it; nil for "-0".
    private func whole(_ range: Range<Int>) -> Int64? {
        guard range.count <= 20 else { return nil }
        let isNegative = bytes[range.lowerBound] == UInt8(ascii: "-")
        var value: Int64 = 0
        for byte in bytes[range].dropFirst(isNegative ? 1 : 0) {
            let digit = Int64(byte - UInt8(ascii: "0"))
            let (product, overflows) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflowsToo) = product.addingReportingOverflow(isNegative ? -digit : digit)
            if overflows || overflowsToo { return nil }
            value = sum
        }
        return isNegative && value == 0 ? nil : value
    }

    private mutating func digits() throws(JSONError) {
        let start = position
        while position < bytes.count, UInt8(ascii: "0")...UInt8(ascii: "9") ~= bytes[position] { position += 1 }
        guard position > start else { throw unexpected }
    }

    @discardableResult
    private mutating func skip(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }
}

// MARK: - Texts

extension JSONReader {
    /// Reads the string whose opening quote is the next byte.
    private mutating func text() throws(JSONError) -> String {
        position += 1
        let start = position
        unescaped.removeAll(keepingCapacity: true)
        var run = start
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                defer { position += 1 }
                if run == start { return try decoded(bytes[start..<position], at: start) }
                unescaped += bytes[run..<position]
                return try decoded(unescaped[...], at: start)
            case UInt8(ascii: "\\"):
                unescaped += bytes[run..<position]
                position += 1
                try escape()
                run = position
            case 0..<0x20: throw unexpected
            default: position += 1
            }
        }
        throw unexpected
    }

    private func decoded(_ bytes: ArraySlice<UInt8>, at start: Int) throws(JSONError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .notUTF8(offset: start) }
        return text
    }

    /// Adds the character of an escape, after its backslash was read.
    private mutating func escape() throws(JSONError) {
        guard position < bytes.count else { throw unexpected }
        let letter = bytes[position]
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(letter)
        case UInt8(ascii: "b"): unescaped.append(8)
        case UInt8(ascii: "f"): unescaped.append(12)
        case UInt8(ascii: "n"): unescaped.append(10)
        case UInt8(ascii: "r"): unescaped.append(13)
        case UInt8(ascii: "t"): unescaped.append(9)
        case UInt8(ascii: "u"):
            position += 1
            return try unicodeEscape()
        default: throw unexpected
        }
        position += 1
    }

    private mutating func unicodeEscape() throws(JSONError) {
        let unit = try hexDigits()
        var value = UInt32(unit)
        if UTF16.isLeadSurrogate(unit) {
            let mark = position
            if skip(UInt8(ascii: "\\")), skip(UInt8(ascii: "u")), case let second = try hexDigits(),
                UTF16.isTrailSurrogate(second)
            {
                value = 0x10000 + (UInt32(unit) & 0x3ff) << 10 + UInt32(second) & 0x3ff
            } else {
                position = mark
            }
        }
        let scalar = Unicode.Scalar(value) ?? "\u{FFFD}"
        unescaped.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }

    private mutating func hexDigits() throws(JSONError) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard position < bytes.count, let digit = Self.hexDigit(bytes[position]) else { throw unexpected }
            value = value << 4 | digit
            position += 1
        }
        return value
    }

    private static func hexDigit(_ byte: UInt8) -> UInt16? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt16(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt16(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt16(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}

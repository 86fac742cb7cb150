/// A reader of the exec form: a JSON array of strings.
struct JSONStrings {
    enum ArrayForm {
        case strings([(text: String, offset: Int)])
        /// A valid JSON array with a value that isn't a string, which is an error.
        case otherArray
        /// Any other text, which is the shell form.
        case notArray
    }

    private static let deepest = 500

    private let bytes: ArraySlice<UInt8>
    private var index: Int
    private var isMixed = false
    private var strings: [(text: String, offset: Int)] = []

    private init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        index = bytes.startIndex
    }

    static func read(_ bytes: ArraySlice<UInt8>) -> ArrayForm {
        var reader = JSONStrings(bytes)
        reader.skipBlanks()
        guard reader.peek == Ascii.openBracket, reader.array(depth: 0) else { return .notArray }
        reader.skipBlanks()
        guard reader.peek == nil else { return .notArray }
        return reader.isMixed ? .otherArray : .strings(reader.strings)
    }

    private var peek: UInt8? { index < bytes.endIndex ? bytes[index] : nil }

    /// Skips JSON's four blanks; a vertical tab makes the array a shell command.
    private mutating func skipBlanks() {
        while let byte = peek, byte == 32 || byte == 9 || byte == 10 || byte == 13 { index += 1 }
    }

    private mutating func accept(_ byte: UInt8) -> Bool {
        skipBlanks()
        guard peek == byte else { return false }
        index += 1
        return true
    }

    private mutating func array(depth: Int) -> Bool {
        guard accept(Ascii.openBracket) else { return false }
        if accept(Ascii.closeBracket) { return true }
        repeat {
            skipBlanks()
            let start = index
            guard let text = value(depth: depth + 1) else { return false }
            guard depth == 0 else { continue }
            if let text = text.string { strings.append((text, start)) } else { isMixed = true }
        } while accept(Ascii.comma)
        return accept(Ascii.closeBracket)
    }

    private mutating func object(depth: Int) -> Bool {
        guard accept(Ascii.openBrace) else { return false }
        if accept(Ascii.closeBrace) { return true }
        repeat {
            skipBlanks()
            guard string() != nil, accept(Ascii.colon), value(depth: depth + 1) != nil else { return false }
        } while accept(Ascii.comma)
        return accept(Ascii.closeBrace)
    }

    private struct ScannedValue { let string: String? }

    private mutating func value(depth: Int) -> ScannedValue? {
        skipBlanks()
        guard depth <= Self.deepest else { return nil }
        switch peek {
        case Ascii.quote: return string().map { ScannedValue(string: $0) }
        case Ascii.openBracket: return array(depth: depth) ? ScannedValue(string: nil) : nil
        case Ascii.openBrace: return object(depth: depth) ? ScannedValue(string: nil) : nil
        default: return literal() || number() ? ScannedValue(string: nil) : nil
        }
    }

    private mutating func literal() -> Bool {
        for word in ["true", "false", "null"] where bytes[index...].starts(with: word.utf8) {
            index += word.utf8.count
            return true
        }
        return false
    }

    private mutating func number() -> Bool {
        if peek == Ascii.dash { index += 1 }
        let leadingZero = peek == UInt8(ascii: "0")
        let whole = digits()
        guard whole == 1 || (whole > 1 && !leadingZero) else { return false }
        if peek == Ascii.dot {
            index += 1
            guard digits() > 0 else { return false }
        }
        guard let byte = peek, byte.lowercased == UInt8(ascii: "e") else { return true }
        index += 1
        if let sign = peek, sign == Ascii.dash || sign == UInt8(ascii: "+") { index += 1 }
        return digits() > 0
    }

    private mutating func digits() -> Int {
        let start = index
        while peek?.isDigit == true { index += 1 }
        return index - start
    }

    private mutating func string() -> String? {
        guard peek == Ascii.quote else { return nil }
        index += 1
        var result: [UInt8] = []
        while let byte = peek {
            index += 1
            switch byte {
            case Ascii.quote: return result.text
            case Ascii.backslash: guard escape(&result) else { return nil }
            case 0..<32: return nil
            default: result.append(byte)
            }
        }
        return nil
    }

    private mutating func escape(_ result: inout [UInt8]) -> Bool {
        guard let byte = peek else { return false }
        index += 1
        switch byte {
        case Ascii.quote, Ascii.backslash, Ascii.slash: result.append(byte)
        case UInt8(ascii: "b"): result.append(8)
        case UInt8(ascii: "f"): result.append(12)
        case UInt8(ascii: "n"): result.append(10)
        case UInt8(ascii: "r"): result.append(13)
        case UInt8(ascii: "t"): result.append(9)
        case UInt8(ascii: "u"): return unicodeEscape(&result)
        default: return false
        }
        return true
    }

    /// Reads `\uXXXX`; half of a surrogate pair becomes U+FFFD.
    private mutating func unicodeEscape(_ result: inout [UInt8]) -> Bool {
        guard let unit = hexUnit() else { return false }
        var scalar = Unicode.Scalar(unit) ?? "\u{FFFD}"
        if (0xD800..<0xDC00).contains(unit), bytes[index...].starts(with: [Ascii.backslash, UInt8(ascii: "u")]) {
            let mark = index
            index += 2
            guard let low = hexUnit() else { return false }
            if (0xDC00..<0xE000).contains(low) {
                scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)) ?? "\u{FFFD}"
            } else {
                index = mark
            }
        }
        result += Array(String(scalar).utf8)
        return true
    }

    private mutating func hexUnit() -> UInt32? {
        guard bytes.endIndex - index >= 4 else { return nil }
        var value: UInt32 = 0
        for byte in bytes[index..<index + 4] {
            guard byte.isDigit || byte.isLetter, let digit = Int([byte].text, radix: 16) else { return nil }
            value = value << 4 | UInt32(digit)
        }
        index += 4
        return value
    }
}

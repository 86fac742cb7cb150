/// The bytes with a meaning in a Dockerfile.
enum Ascii {
    static let tab = UInt8(ascii: "\t")
    static let newline = UInt8(ascii: "\n")
    static let carriageReturn = UInt8(ascii: "\r")
    static let space = UInt8(ascii: " ")
    static let quote = UInt8(ascii: "\"")
    static let apostrophe = UInt8(ascii: "'")
    static let hash = UInt8(ascii: "#")
    static let dollar = UInt8(ascii: "$")
    static let backslash = UInt8(ascii: "\\")
    static let backtick = UInt8(ascii: "`")
    static let dash = UInt8(ascii: "-")
    static let slash = UInt8(ascii: "/")
    static let dot = UInt8(ascii: ".")
    static let equals = UInt8(ascii: "=")
    static let comma = UInt8(ascii: ",")
    static let colon = UInt8(ascii: ":")
    static let star = UInt8(ascii: "*")
    static let question = UInt8(ascii: "?")
    static let bang = UInt8(ascii: "!")
    static let caret = UInt8(ascii: "^")
    static let less = UInt8(ascii: "<")
    static let openBracket = UInt8(ascii: "[")
    static let closeBracket = UInt8(ascii: "]")
    static let openBrace = UInt8(ascii: "{")
    static let closeBrace = UInt8(ascii: "}")
}

extension UInt8 {
    /// True for space, tab, newline, vertical tab, form feed and carriage return.
    var isBlank: Bool { self == Ascii.space || (9...13).contains(self) }
    var isDigit: Bool { (48...57).contains(self) }
    var isOctalDigit: Bool { (48...55).contains(self) }
    var isLetter: Bool { (65...90).contains(self) || (97...122).contains(self) }
    var isContinuation: Bool { self & 0xC0 == 0x80 }
    var lowercased: UInt8 { (65...90).contains(self) ? self | 0x20 : self }
}

extension Collection where Element == UInt8 {
    /// The bytes as text; bytes that aren't UTF-8 become U+FFFD.
    var text: String { String(decoding: self, as: UTF8.self) }
}

extension BidirectionalCollection where Element == UInt8 {
    /// Returns the part between the leading and trailing blanks.
    func trimmingBlanks() -> SubSequence {
        let front = drop(while: \.isBlank)
        guard let last = front.lastIndex(where: { !$0.isBlank }) else { return front.prefix(0) }
        return front[...last]
    }
}

extension [UInt8] {
    /// Returns the longest suffix whose bytes all pass.
    func trailing(while passes: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        let start = lastIndex { !passes($0) }.map { $0 + 1 } ?? 0
        return self[start...]
    }
}

extension String {
    /// The text with ASCII letters in lower case, independent of the locale.
    var asciiLowercased: String {
        utf8.contains { (65...90).contains($0) } ? utf8.map(\.lowercased).text : self
    }

    /// The text with ASCII letters in upper case, independent of the locale.
    var asciiUppercased: String {
        utf8.map { (97...122).contains($0) ? $0 & 0xDF : $0 }.text
    }

    /// The text in the form of Go's `%q`.
    var goQuoted: String {
        var result = "\""
        for scalar in unicodeScalars { result += goEscape(scalar) }
        return result + "\""
    }

    /// Returns the text before and after the first `separator`, or nil without one.
    func cut(_ separator: UInt8) -> (before: String, after: String)? {
        guard let index = utf8.firstIndex(of: separator) else { return nil }
        return (self[..<index].utf8.text, self[utf8.index(after: index)...].utf8.text)
    }

    /// True if the bytes of `needle` occur; `contains` of the library compares characters and is far slower.
    func holds(_ needle: String) -> Bool {
        guard let first = needle.utf8.first else { return true }
        var rest = utf8[...]
        while let start = rest.firstIndex(of: first) {
            if rest[start...].starts(with: needle.utf8) { return true }
            rest = rest[rest.index(after: start)...]
        }
        return false
    }

    var trimmed: String { utf8.trimmingBlanks().text }
}

private func goEscape(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\"": "\\\""
    case "\\": "\\\\"
    case "\u{07}": "\\a"
    case "\u{08}": "\\b"
    case "\u{0C}": "\\f"
    case "\n": "\\n"
    case "\r": "\\r"
    case "\t": "\\t"
    case "\u{0B}": "\\v"
    default: isPrintable(scalar) ? String(scalar) : hexEscape(scalar.value)
    }
}

private func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return scalar.value >= 0x20 && scalar.value != 0x7F }
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
        .spaceSeparator:
        return false
    default: return true
    }
}

private func hexEscape(_ value: UInt32) -> String {
    func digits(_ width: Int) -> String {
        let hex = String(value, radix: 16)
        return String(repeating: "0", count: max(0, width - hex.utf8.count)) + hex
    }
    if value < 0x80 { return "\\x" + digits(2) }
    return value < 0x10000 ? "\\u" + digits(4) : "\\U" + digits(8)
}

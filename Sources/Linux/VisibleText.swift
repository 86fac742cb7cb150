// Text from images, registries, contexts and guests, made safe for a terminal, a log or a page.
//
// Such text can control a terminal (ESC and others) or reorder the text around it (bidi overrides and isolates). It can
// be invisible (zero-width characters, tags) or break a line without a newline (U+2028, U+2029). Each such scalar is
// shown by its number in hex: ESC as `\u{1b}`. Bytes that aren't UTF-8 become U+FFFD when they are decoded. Newlines
// and tabs stay. The form is for people and can't be reversed: a text with the characters `\u{1b}` looks the same.
// Programs read JSON, where the same scalars are JSON's own escapes: `\u001b`.

extension Unicode.Scalar {
    /// True if a terminal or a page may get the scalar unchanged.
    ///
    /// This includes the zero-width joiners: emoji and Indic scripts need them, and they reorder nothing.
    public var isVisible: Bool {
        switch value {
        case 0x20..<0x7f, 0xa0..<0xad: return true
        case ..<0xa0: return false
        case 0x200c, 0x200d: return true
        default: break
        }
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: return false
        default: return true
        }
    }
}

extension String {
    /// The text with each invisible scalar as its number; newlines and tabs stay, CR LF becomes a newline.
    public var visible: String { visible(newline: "\n", tab: "\t") }

    /// The same as a single line: newlines and tabs become blanks.
    public var visibleLine: String { visible(newline: " ", tab: " ") }

    /// A JSON document with every invisible scalar as an escape.
    ///
    /// Such scalars occur only inside strings: JSON allows them nowhere else. The newlines and blanks between tokens
    /// stay.
    public var visibleJSON: String {
        let isUnchanged = { (scalar: Unicode.Scalar) in scalar.isVisible || scalar.value < 0x20 }
        if utf8.allSatisfy({ $0 < 0x7f }) || unicodeScalars.allSatisfy(isUnchanged) { return self }
        var result = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            if isUnchanged(scalar) {
                result.append(scalar)
            } else {
                for unit in String(scalar).utf16 { result.append(contentsOf: unit.escape.unicodeScalars) }
            }
        }
        return String(result)
    }

    private func visible(newline: Unicode.Scalar, tab: Unicode.Scalar) -> String {
        if utf8.allSatisfy({ (0x20..<0x7f).contains($0) }) { return self }
        var result = String.UnicodeScalarView()
        var rest = unicodeScalars[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\n": result.append(newline)
            case "\t": result.append(tab)
            case "\r" where rest.first == "\n": continue
            case _ where scalar.isVisible: result.append(scalar)
            default: result.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
            }
        }
        return String(result)
    }
}

extension UInt16 {
    /// The unit as a JSON escape: `\u009b`.
    fileprivate var escape: String {
        let digits = String(self, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }
}

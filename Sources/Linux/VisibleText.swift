// Text from images, registries, contexts and guests, on its way to a terminal, a log or a page.
//
// Such text can steer a terminal (ESC and other controls), reorder what stands beside it (bidi overrides and isolates),
// hide itself (zero-width characters, tags) or break a line without a newline (U+2028, U+2029). Each such scalar is
// shown by its number in hex: ESC as `\u{1b}`. Bytes that are no UTF-8 become U+FFFD when they are decoded. Newlines
// and tabs stay. The form is for people and can't be undone: a text that spells `\u{1b}` looks the same. Programs read
// JSON, where the same scalars are JSON's own escapes: `\u001b`.

extension Unicode.Scalar {
    /// True if a terminal or a page may get the scalar as it is.
    ///
    /// The zero-width joiners are: emoji and Indic scripts need them, and they reorder nothing.
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
    /// The text with what is not visible shown by its number. Newlines and tabs stay, CR LF is a newline.
    public var visible: String { visible(newline: "\n", tab: "\t") }

    /// The same as one line: each newline and tab is a blank.
    public var visibleLine: String { visible(newline: " ", tab: " ") }

    /// A JSON document with every scalar that is not visible as an escape. Such scalars stand inside strings only:
    /// JSON allows none of them elsewhere. The newlines and blanks of its layout stay.
    public var visibleJSON: String {
        if utf8.allSatisfy({ $0 < 0x7f }) { return self }
        var result = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            if scalar.isVisible || scalar.value < 0x20 {
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
    /// The unit as JSON escapes it: `\u009b`.
    fileprivate var escape: String {
        let digits = String(self, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }
}

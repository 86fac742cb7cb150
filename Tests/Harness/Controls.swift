extension ProgramResult {
    /// The characters of the output that could control a terminal or the direction of text, by number.
    public var controls: [String] { Controls.found(in: bytes) }
}

/// The scalars and bytes that must not reach a terminal, found independently of `thaw`.
public enum Controls {
    /// One of each kind of control: SGR, a title, erasing, CSI as one scalar, DEL, NEL, overrides, separators.
    public static let all =
        "\u{1b}[31m\u{1b}]0;x\u{7}\u{1b}[2J\u{9b}31m\u{7f}\u{85}\u{202e}\u{2066}\u{2028}\u{2029}\u{8}"

    /// The controls as bytes, with bytes that are not UTF-8.
    public static let bytes: [UInt8] = Array(all.utf8) + [0xff, 0x9b, 0xc2]

    /// The bytes as octal escapes for `printf`.
    public static var octal: String {
        bytes.map { "\\" + String(repeating: "0", count: 3 - String($0, radix: 8).count) + String($0, radix: 8) }
            .joined()
    }

    /// Returns the controls in a text, except newlines, tabs, and the CR LF of a terminal's line discipline.
    public static func found(in bytes: [UInt8]) -> [String] {
        guard let text = String(validating: bytes, as: UTF8.self) else { return ["bytes that are not UTF-8"] }
        var found: [String] = []
        for scalar in text.replacing("\r\n", with: "\n").unicodeScalars {
            switch scalar.value {
            case 9, 10: continue
            case ..<0x20, 0x7f..<0xa0, 0x2028...0x202e, 0x2066...0x2069:
                found.append("U+\(String(scalar.value, radix: 16))")
            default: continue
            }
        }
        return found
    }
}

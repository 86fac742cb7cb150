/// The escapes of fixtures: `\n`, `\t`, `\s` for a space, `\\`, `\"`, `\xff`, and `{40*d/}` for a repetition.
enum Escapes {
    /// Parses escaped text.
    static func bytes(_ text: some StringProtocol) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            switch rest.popFirst() {
            case UInt8(ascii: "n"): bytes.append(0x0a)
            case UInt8(ascii: "t"): bytes.append(0x09)
            case UInt8(ascii: "s"): bytes.append(0x20)
            case UInt8(ascii: "x"):
                guard let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                    throw FixtureError("no escape: \(text)")
                }
                bytes.append(value)
                rest = rest.dropFirst(2)
            case let other?: bytes.append(other)
            case nil: throw FixtureError("a backslash ends: \(text)")
            }
        }
        return bytes
    }

    /// Formats bytes as one line of ASCII.
    static func text(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { byte in
            switch byte {
            case 0x0a: return "\\n"
            case 0x09: return "\\t"
            case UInt8(ascii: "\\"), UInt8(ascii: "\""): return "\\" + String(UnicodeScalar(byte))
            case 0x20..<0x7f: return String(UnicodeScalar(byte))
            default: return (byte < 16 ? "\\x0" : "\\x") + String(byte, radix: 16)
            }
        }.joined()
    }

    /// Formats a text as one line; only newlines, tabs and backslashes are escaped.
    static func line(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n").replacing("\t", with: "\\t")
    }

    /// Parses a path with escapes and repetitions.
    static func path(_ text: some StringProtocol) throws -> [UInt8] {
        var text = String(text)
        while let match = try /\{([0-9]+)\*([^}]*)\}/.firstMatch(in: text) {
            text.replaceSubrange(match.range, with: String(repeating: String(match.2), count: Int(match.1) ?? 0))
        }
        return try bytes(text)
    }
}

/// An error in a fixture.
struct FixtureError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// The check of table headers before the TOML parser reads a text.
///
/// toml++ asserts that a name follows `[` and `[[`, so a header such as `[?]` would end the process.
enum TOMLHeaders {
    /// Returns the line of the first header whose name begins with a character that no name has; nil if there is none.
    static func malformedLine(in text: String) -> Int? {
        var scanner = Scanner(bytes: Array(text.utf8))
        return scanner.malformedLine()
    }

    private struct Scanner {
        let bytes: [UInt8]
        var index = 0
        var line = 1
        /// The number of open brackets and braces of a value.
        var depth = 0
        var isLineStart = true

        init(bytes: [UInt8]) { self.bytes = bytes }

        mutating func malformedLine() -> Int? {
            while index < bytes.count {
                switch bytes[index] {
                case UInt8(ascii: "\n"): (line, isLineStart) = (line + 1, true)
                case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): break
                case UInt8(ascii: "#"):
                    index = bytes[index...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
                    continue
                case UInt8(ascii: "\""), UInt8(ascii: "'"):
                    isLineStart = false
                    skipString(bytes[index])
                    continue
                case UInt8(ascii: "[") where isLineStart && depth == 0:
                    if !skipHeaderStart() { return line }
                    isLineStart = false
                    continue
                case UInt8(ascii: "["), UInt8(ascii: "{"): (depth, isLineStart) = (depth + 1, false)
                case UInt8(ascii: "]"), UInt8(ascii: "}"): (depth, isLineStart) = (max(0, depth - 1), false)
                default: isLineStart = false
                }
                index += 1
            }
            return nil
        }

        /// Skips the brackets and blanks of a header; returns false if no name and no closing bracket follows.
        private mutating func skipHeaderStart() -> Bool {
            index += 1
            skipBlanks()
            if index < bytes.count, bytes[index] == UInt8(ascii: "[") {
                index += 1
                skipBlanks()
            }
            guard index < bytes.count else { return true }
            let byte = bytes[index]
            let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            return isLetter || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-_\"']".utf8.contains(byte)
        }

        private mutating func skipBlanks() {
            while index < bytes.count, bytes[index] == UInt8(ascii: " ") || bytes[index] == UInt8(ascii: "\t") {
                index += 1
            }
        }

        /// Skips a string; one of a single line ends with it.
        private mutating func skipString(_ quote: UInt8) {
            let isLong = bytes[index...].prefix(3).elementsEqual([quote, quote, quote])
            index += isLong ? 3 : 1
            while index < bytes.count {
                let byte = bytes[index]
                if byte == UInt8(ascii: "\n") {
                    if !isLong { return }
                    line += 1
                }
                if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                    index += bytes.dropFirst(index + 1).first == UInt8(ascii: "\n") ? 1 : 2
                    continue
                }
                if byte == quote, !isLong || bytes[index...].prefix(3).elementsEqual([quote, quote, quote]) {
                    index += isLong ? 3 : 1
                    return
                }
                index += 1
            }
        }
    }
}

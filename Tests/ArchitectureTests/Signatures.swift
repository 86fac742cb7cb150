/// A function or initialiser of the sources, with the number of its parameters that have no label.
struct Signature {
    /// The name: `add`, `init`.
    let name: String
    /// The number of parameters whose label is `_`.
    let unlabelledCount: Int

    /// Returns the functions and initialisers that a file declares.
    static func all(in text: String) -> [Signature] {
        var scanner = Scanner(Array(text.utf8))
        var found: [Signature] = []
        while let word = scanner.nextWord() {
            let isInitializer = word.elementsEqual("init".utf8) && !scanner.isAfterDot
            guard isInitializer || word.elementsEqual("func".utf8) else { continue }
            let name = isInitializer ? word : scanner.nextWord() ?? []
            guard let parameters = scanner.parameters() else { continue }
            // A call of `init` has arguments, which need no type.
            if isInitializer, parameters.contains(where: { !$0.contains(":") }) { continue }
            found.append(
                Signature(
                    name: String(decoding: name, as: UTF8.self),
                    unlabelledCount: parameters.count { $0.hasPrefix("_ ") }))
        }
        return found
    }
}

/// A reader of Swift's words that skips comments and strings.
private struct Scanner {
    private let bytes: [UInt8]
    private var index = 0
    /// True if a dot is before the last word.
    private(set) var isAfterDot = false

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    private static func isWord(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte & 0xdf) || byte == UInt8(ascii: "_") || byte > 127
    }

    private func has(_ text: StaticString) -> Bool {
        let wanted = Array("\(text)".utf8)
        return bytes.dropFirst(index).starts(with: wanted)
    }

    /// Skips a comment or a string; returns false if there is none here.
    private mutating func skipText() -> Bool {
        if bytes[index] == UInt8(ascii: "/"), has("//") {
            while index < bytes.count, bytes[index] != 10 { index += 1 }
            return true
        }
        guard bytes[index] == UInt8(ascii: "\"") else { return false }
        let isLong = has("\"\"\"")
        index += isLong ? 3 : 1
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\\") {
                index += 1
            } else if isLong ? has("\"\"\"") : bytes[index] == UInt8(ascii: "\"") || bytes[index] == 10 {
                index += isLong ? 3 : 1
                return true
            }
            index += 1
        }
        return true
    }

    /// Returns the next word.
    mutating func nextWord() -> ArraySlice<UInt8>? {
        while index < bytes.count {
            if skipText() { continue }
            guard Self.isWord(bytes[index]) else {
                index += 1
                continue
            }
            let start = index
            while index < bytes.count, Self.isWord(bytes[index]) { index += 1 }
            isAfterDot = start > 0 && bytes[start - 1] == UInt8(ascii: ".")
            return bytes[start..<index]
        }
        return nil
    }

    /// Returns the parameters in the parentheses behind a name, after its generic parameters.
    mutating func parameters() -> [String]? {
        while index < bytes.count, bytes[index] != UInt8(ascii: "(") {
            if bytes[index] == 10 || bytes[index] == UInt8(ascii: "{") { return nil }
            index += 1
        }
        var (found, current, depth): ([String], [UInt8], Int) = ([], [], 0)
        while index < bytes.count {
            if skipText() { continue }
            let byte = bytes[index]
            index += 1
            switch byte {
            case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: "<"): depth += 1
            case UInt8(ascii: ">") where current.last == UInt8(ascii: "-"): break
            case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: ">"): depth -= 1
            default: break
            }
            if depth == 0 || (depth == 1 && byte == UInt8(ascii: ",")) {
                let words = String(decoding: current, as: UTF8.self).split(whereSeparator: \.isWhitespace)
                if !words.isEmpty { found.append(words.joined(separator: " ")) }
                current = []
                if depth == 0 { return found }
            } else if !(depth == 1 && byte == UInt8(ascii: "(") && found.isEmpty && current.isEmpty) {
                current.append(byte)
            }
        }
        return nil
    }
}

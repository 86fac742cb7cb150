/// An executable text with an interpreter, and the programs that it may run.
public struct Script: Sendable, Hashable {
    /// The program after `#!`.
    public let interpreter: [UInt8]
    /// The text after the program.
    public let argument: [UInt8]?
    /// For a shell's script, the words that may be programs or files.
    public let words: [[UInt8]]

    /// The kernel reads no more bytes of the first line.
    private static let firstLine = 256

    /// Parses a script; nil for bytes that don't begin with `#!`.
    public init?(_ bytes: [UInt8]) {
        guard bytes.starts(with: "#!".utf8) else { return nil }
        let line = bytes.prefix(Self.firstLine).dropFirst(2).prefix { $0 != UInt8(ascii: "\n") && $0 != 0 }
        let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0d }
        let parts = line.drop(while: isBlank).split(maxSplits: 1, whereSeparator: isBlank)
        guard let program = parts.first else { return nil }
        interpreter = Array(program)
        argument = parts.count > 1 ? Array(parts[1].drop(while: isBlank)) : nil
        let names = [interpreter] + (argument?.split(whereSeparator: isBlank).map(Array.init) ?? [])
        words = names.contains { Self.isShell($0) } ? Self.words(of: bytes) : []
    }

    /// The programs in the first line: the interpreter, and the one that `env` will look up.
    public var programs: [[UInt8]] {
        guard Self.name(interpreter).elementsEqual("env".utf8), let argument else { return [interpreter] }
        let words = argument.split { $0 == 0x20 || $0 == 0x09 }
        let called = words.first { $0.first != UInt8(ascii: "-") && !$0.contains(UInt8(ascii: "=")) }
        return [interpreter] + (called.map { [Array($0)] } ?? [])
    }

    /// True if a program is a shell by its name.
    public static func isShell(_ program: [UInt8]) -> Bool {
        ["sh", "bash", "dash", "ash", "ksh", "zsh", "busybox"].contains { name(program).elementsEqual($0.utf8) }
    }

    /// Returns the distinct words of a shell's text, in order, without comments.
    public static func words(of text: [UInt8]) -> [[UInt8]] {
        var seen = Set<[UInt8]>()
        var words: [[UInt8]] = []
        for line in text.split(separator: UInt8(ascii: "\n")) {
            let code = line.drop { $0 == 0x20 || $0 == 0x09 }
            if code.first == UInt8(ascii: "#") { continue }
            for word in code.split(whereSeparator: { !isOfWord($0) }) where word.count <= 255 {
                if seen.insert(Array(word)).inserted { words.append(Array(word)) }
            }
        }
        return words
    }

    private static func isOfWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "+"),
            UInt8(ascii: "["):
            true
        default: byte >= 0x80
        }
    }

    private static func name(_ path: [UInt8]) -> ArraySlice<UInt8> {
        path.lastIndex(of: UInt8(ascii: "/")).map { path[($0 + 1)...] } ?? path[...]
    }
}

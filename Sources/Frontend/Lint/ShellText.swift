/// One simple command of a shell script.
struct ShellCommand: Hashable {
    /// The words without their quotes, and without leading assignments.
    var words: [String] = []
    /// True if its output goes into a pipe.
    var isPiped = false

    var name: String { words.first ?? "" }
    var arguments: [String] { Array(words.dropFirst()) }
    /// The arguments that are not options.
    var operands: [String] { arguments.filter { $0.utf8.first != Ascii.dash } }

    func has(_ options: String...) -> Bool { words.contains { word in options.contains(word) } }

    /// True if the command has the short option, alone or as in `-qy`, or one of the long options.
    func hasOption(_ short: Character, _ long: String...) -> Bool {
        arguments.contains { word in
            let isShort = word.hasPrefix("-") && !word.hasPrefix("--") && word.contains(short)
            return isShort || long.contains { word == $0 || word.hasPrefix("\($0)=") }
        }
    }
}

/// The simple commands of a script; the split is exact enough for linting, but not for execution.
struct ShellText {
    static let builtins: Set<String> = [
        "cd", "exec", "export", "set", "source", "eval", "if", "for", "while", "test", "ulimit", "umask", "exit",
    ]

    private(set) var commands: [ShellCommand] = []
    private var current = ShellCommand()
    private var word: [UInt8] = []
    private var inWord = false

    init(_ text: String) {
        let bytes = Array(text.utf8)
        var index = 0
        while index < bytes.count { step(bytes, &index) }
        endCommand(piped: false)
    }

    private mutating func step(_ bytes: [UInt8], _ index: inout Int) {
        let byte = bytes[index]
        index += 1
        switch byte {
        case Ascii.backslash:
            if index < bytes.count, bytes[index] != Ascii.newline { append(bytes[index]) }
            index += 1
        case Ascii.apostrophe, Ascii.quote: quoted(bytes, &index, byte)
        case Ascii.dollar where index < bytes.count && bytes[index] == UInt8(ascii: "("): substitution(bytes, &index)
        case Ascii.backtick:
            let end = bytes[index...].firstIndex(of: byte) ?? bytes.count
            for inner in bytes[(index - 1)..<end] { append(inner) }
            index = min(end + 1, bytes.count)
        case Ascii.hash where !inWord:
            index = bytes[index...].firstIndex(of: Ascii.newline) ?? bytes.count
        case UInt8(ascii: "|"):
            let isOr = index < bytes.count && bytes[index] == byte
            if isOr { index += 1 }
            endCommand(piped: !isOr)
        case UInt8(ascii: "&"), UInt8(ascii: ";"), Ascii.newline, UInt8(ascii: "("), UInt8(ascii: ")"):
            let isRedirection =
                byte == UInt8(ascii: "&")
                && (word.last == UInt8(ascii: ">") || (index < bytes.count && bytes[index] == UInt8(ascii: ">")))
            if isRedirection { append(byte) } else { endCommand(piped: false) }
        default: byte.isBlank ? endWord() : append(byte)
        }
    }

    private mutating func quoted(_ bytes: [UInt8], _ index: inout Int, _ quote: UInt8) {
        inWord = true
        while index < bytes.count, bytes[index] != quote {
            if quote == Ascii.quote, bytes[index] == Ascii.backslash, index + 1 < bytes.count { index += 1 }
            word.append(bytes[index])
            index += 1
        }
        index += 1
    }

    /// Appends `$(...)` to the current word, without parsing its contents.
    private mutating func substitution(_ bytes: [UInt8], _ index: inout Int) {
        append(Ascii.dollar)
        var depth = 0
        while index < bytes.count {
            let byte = bytes[index]
            append(byte)
            index += 1
            if byte == UInt8(ascii: "(") { depth += 1 }
            if byte == UInt8(ascii: ")") { depth -= 1 }
            if depth == 0 { return }
        }
    }

    private mutating func append(_ byte: UInt8) {
        word.append(byte)
        inWord = true
    }

    private mutating func endWord() {
        defer {
            word = []
            inWord = false
        }
        guard inWord else { return }
        let text = word.text
        let isLeading = current.words.isEmpty
        if isLeading, Self.isAssignment(text) || Self.keywords.contains(text) { return }
        current.words.append(text)
    }

    private mutating func endCommand(piped: Bool) {
        endWord()
        current.isPiped = piped
        if !current.words.isEmpty { commands.append(current) }
        current = ShellCommand()
    }

    private static let keywords: Set<String> = ["then", "do", "else", "if", "while", "{", "}", "!", "time", "env"]

    private static func isAssignment(_ text: String) -> Bool {
        guard let (name, _) = text.cut(Ascii.equals) else { return false }
        return !name.isEmpty && name.utf8.allSatisfy(\.isNameByte)
    }
}

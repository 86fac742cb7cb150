/// The simple commands of a script; the split is exact enough for linting, but not for execution.
struct ShellParser {
    private let bytes: [UInt8]
    private let end: Int
    private var index: Int
    private(set) var commands: [ShellCommand] = []
    private(set) var hasPipe = false
    private var current = ShellCommand()
    private var word = ShellWord(text: "", range: 0..<0)
    private var letters: [UInt8] = []
    private var inWord = false
    /// True if the next word is the target of a redirection.
    private var redirects = false
    /// True if the next command reads from a pipe.
    private var readsPipe = false
    /// The depth of subshells and substitutions, which bounds the recursion too.
    private var depth = 0
    /// For each open `case`: true while a pattern is read, in which `|` and `)` are no operators.
    private var patterns: [Bool] = []

    private static let deepest = 50

    init(_ bytes: [UInt8], in range: Range<Int>) {
        self.bytes = bytes
        index = range.lowerBound
        end = range.upperBound
    }

    /// Reads the script to its end.
    mutating func parse() {
        while index < end { step() }
        endCommand()
    }

    private var peek: UInt8? { index < end ? bytes[index] : nil }

    private mutating func step() {
        let byte = bytes[index]
        if current.words.first?.text == "[[", isTestOperator(byte) {
            index += 1
            return endWord()
        }
        switch byte {
        case Ascii.backslash: escape()
        case Ascii.apostrophe: singleQuoted()
        case Ascii.quote: doubleQuoted()
        case Ascii.dollar: dollar()
        case Ascii.backtick: backticks()
        case Ascii.hash where !inWord: index = bytes[index..<end].firstIndex(of: Ascii.newline) ?? end
        case Ascii.less, UInt8(ascii: ">"): redirection(byte)
        case UInt8(ascii: "|"), UInt8(ascii: "&"), UInt8(ascii: ";"), Ascii.newline: separator(byte)
        case UInt8(ascii: "("), UInt8(ascii: ")"): parenthesis(byte)
        default:
            index += 1
            byte.isBlank ? endWord() : append(byte, from: index - 1)
        }
    }

    private mutating func append(_ byte: UInt8, from start: Int) {
        begin(start)
        letters.append(byte)
        word.range = word.range.lowerBound..<index
    }

    private mutating func begin(_ start: Int) {
        guard !inWord else { return }
        inWord = true
        word = ShellWord(text: "", range: start..<start)
    }

    /// True for a byte that is an operator only outside of `[[ ]]`.
    private func isTestOperator(_ byte: UInt8) -> Bool {
        guard "()|&<>".utf8.contains(byte) else { return false }
        return current.words.last?.text != "]]" && !(letters.elementsEqual("]]".utf8) && inWord)
    }

    // MARK: quotes

    private mutating func escape() {
        let start = index
        index += 1
        guard let byte = peek else { return }
        index += 1
        guard byte != Ascii.newline else { return }
        append(byte, from: start)
        word.isQuoted = true
    }

    private mutating func singleQuoted() {
        let start = index
        begin(start)
        let close = bytes[(start + 1)..<end].firstIndex(of: Ascii.apostrophe) ?? end
        letters += bytes[(start + 1)..<close]
        finishQuote(at: min(close + 1, end))
    }

    private mutating func doubleQuoted() {
        begin(index)
        index += 1
        while let byte = peek, byte != Ascii.quote {
            switch byte {
            case Ascii.dollar: dollar()
            case Ascii.backtick: backticks()
            case Ascii.backslash:
                index += 1
                guard let next = peek else { break }
                index += 1
                if !"\"\\$`".utf8.contains(next), next != Ascii.newline { letters.append(byte) }
                if next != Ascii.newline { letters.append(next) }
            default:
                letters.append(byte)
                index += 1
            }
        }
        finishQuote(at: min(index + 1, end))
    }

    private mutating func finishQuote(at next: Int) {
        index = next
        word.isQuoted = true
        word.range = word.range.lowerBound..<index
    }

    // MARK: substitutions

    private mutating func dollar() {
        let start = index
        begin(start)
        word.isDynamic = true
        index += 1
        switch peek {
        case UInt8(ascii: "("):
            if index + 1 < end, bytes[index + 1] == UInt8(ascii: "(") {
                skip(UInt8(ascii: "("), to: UInt8(ascii: ")"))
            } else {
                index += 1
                substitution(to: closing())
                index = min(index + 1, end)
            }
        case Ascii.openBrace: skip(Ascii.openBrace, to: Ascii.closeBrace)
        default: break
        }
        letters += bytes[start..<index]
        word.range = word.range.lowerBound..<index
    }

    private mutating func backticks() {
        let start = index
        begin(start)
        word.isDynamic = true
        index += 1
        substitution(to: bytes[index..<end].firstIndex(of: Ascii.backtick) ?? end)
        index = min(index + 1, end)
        letters += bytes[start..<index]
        word.range = word.range.lowerBound..<index
    }

    /// Parses the commands up to `close`, and moves there.
    private mutating func substitution(to close: Int) {
        defer { index = close }
        guard depth < Self.deepest, index < close else { return }
        var inner = ShellParser(bytes, in: index..<close)
        inner.depth = depth + 1
        inner.parse()
        commands += inner.commands
        hasPipe = hasPipe || inner.hasPipe
    }

    /// Returns the index of the parenthesis that closes a substitution which starts here.
    private func closing() -> Int {
        var depth = 0
        var quote: UInt8?
        var place = index
        while place < end {
            let byte = bytes[place]
            if byte == Ascii.backslash, quote != Ascii.apostrophe {
                place += 1
            } else if let open = quote {
                if byte == open { quote = nil }
            } else if byte == Ascii.quote || byte == Ascii.apostrophe {
                quote = byte
            } else if byte == UInt8(ascii: "(") {
                depth += 1
            } else if byte == UInt8(ascii: ")") {
                if depth == 0 { return place }
                depth -= 1
            }
            place += 1
        }
        return end
    }

    /// Moves behind the bracket that closes the one here.
    private mutating func skip(_ open: UInt8, to close: UInt8) {
        var depth = 0
        while let byte = peek {
            index += 1
            if byte == open { depth += 1 }
            if byte == close { depth -= 1 }
            if depth == 0 { return }
        }
    }

    // MARK: operators

    private mutating func redirection(_ byte: UInt8) {
        // A number directly before the sign is the descriptor.
        if inWord, letters.allSatisfy(\.isDigit), !word.isQuoted {
            inWord = false
            letters = []
        }
        endWord()
        index += 1
        if byte == Ascii.less, peek == UInt8(ascii: "("), depth < Self.deepest {
            index += 1
            substitution(to: closing())
            index = min(index + 1, end)
            return
        }
        while let next = peek, next == Ascii.less || "&>|-".utf8.contains(next) { index += 1 }
        redirects = true
    }

    private mutating func separator(_ byte: UInt8) {
        let next = index + 1 < end ? bytes[index + 1] : 0
        if byte == UInt8(ascii: "&"), next == UInt8(ascii: ">") {
            endWord()
            index += 1
            return
        }
        if byte == UInt8(ascii: "|"), patterns.last == true {
            index += 1
            return endWord()
        }
        index += 1
        let isDoubled = next == byte && byte != Ascii.newline
        if isDoubled { index += 1 }
        let isPipe = byte == UInt8(ascii: "|") && !isDoubled
        if isPipe, peek == UInt8(ascii: "&") { index += 1 }
        endCommand(isPiped: isPipe)
        if isDoubled, byte == UInt8(ascii: ";"), !patterns.isEmpty { patterns[patterns.count - 1] = true }
        readsPipe = isPipe || (readsPipe && byte == Ascii.newline && current.words.isEmpty)
        hasPipe = hasPipe || isPipe
    }

    private mutating func parenthesis(_ byte: UInt8) {
        index += 1
        if byte == UInt8(ascii: ")"), patterns.last == true {
            // The end of a pattern of `case`.
            patterns[patterns.count - 1] = false
            endWord()
            current = ShellCommand()
            return
        }
        if byte == UInt8(ascii: "(") {
            endWord()
            if current.words.count == 1, peek == UInt8(ascii: ")") {
                // `name()` defines a function.
                index += 1
                current = ShellCommand()
                return
            }
        }
        endCommand()
        depth += byte == UInt8(ascii: "(") ? 1 : depth > 0 ? -1 : 0
    }

    // MARK: words and commands

    private mutating func endWord() {
        guard inWord else { return }
        word.text = letters.text
        letters = []
        inWord = false
        if redirects {
            redirects = false
            current.redirections.append(word)
            return
        }
        if current.words.isEmpty, takesBeforeCommand(word) { return }
        if word.text == "in", current.words.first?.text == "case", !word.isQuoted {
            patterns.append(true)
            return endCommand()
        }
        current.words.append(word)
    }

    /// Takes a keyword or an assignment before a command; returns false for the command itself.
    private mutating func takesBeforeCommand(_ word: ShellWord) -> Bool {
        if !word.isQuoted, Self.keywords.contains(word.text) {
            if word.text == "esac", !patterns.isEmpty { patterns.removeLast() }
            return true
        }
        guard let (name, _) = word.text.cut(Ascii.equals), !name.isEmpty, name.utf8.first?.isDigit == false,
            name.utf8.allSatisfy(\.isNameByte)
        else { return false }
        current.assignments.append(word)
        return true
    }

    private mutating func endCommand(isPiped: Bool = false) {
        endWord()
        redirects = false
        current.isPiped = isPiped
        current.readsPipe = readsPipe
        current.isNested = depth > 0
        if !current.words.isEmpty || !current.assignments.isEmpty {
            commands.append(current)
            readsPipe = false
        }
        current = ShellCommand()
    }

    /// The words before which a command has not begun.
    private static let keywords: Set<String> = [
        "then", "do", "else", "elif", "if", "while", "until", "{", "}", "!", "time", "fi", "done", "esac", "env",
        "exec", "command",
    ]
}

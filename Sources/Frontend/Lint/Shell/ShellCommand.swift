/// One word of a shell command.
struct ShellWord: Hashable {
    /// The text without its quotes and escapes.
    var text: String
    /// The range of the word, quotes included, in the bytes of its script.
    var range: Range<Int>
    /// True if a part is quoted or escaped.
    var isQuoted = false
    /// True if the shell expands a variable or a command in it.
    var isDynamic = false
}

/// One simple command of a shell script.
struct ShellCommand: Hashable {
    /// The assignments before the command, such as `A=b`.
    var assignments: [ShellWord] = []
    /// The command and its arguments, without redirections.
    var words: [ShellWord] = []
    /// The files of its redirections.
    var redirections: [ShellWord] = []
    /// True if its output goes into a pipe.
    var isPiped = false
    /// True if its input comes from a pipe.
    var readsPipe = false
    /// True inside of a subshell or a command substitution.
    var isNested = false

    /// The program's name without its directory.
    var name: String {
        guard let text = words.first?.text else { return "" }
        return text.utf8.split(separator: Ascii.slash).last?.text ?? text
    }
    /// The words after the program's name.
    var arguments: [ShellWord] { Array(words.dropFirst()) }

    /// True if one of the words has one of the texts.
    func has(_ texts: String...) -> Bool { words.contains { texts.contains($0.text) } }
}

/// The text of a script, and its simple commands in order.
struct ShellScript {
    /// The text, with the position of each byte in the Dockerfile.
    let text: LogicalLine
    /// The range of the script in the text.
    let range: Range<Int>
    /// The commands; those of substitutions stand before the command that contains them.
    let commands: [ShellCommand]
    /// True if there is a pipe at any level.
    let hasPipe: Bool
    /// True for words of a JSON array, whose positions are unknown.
    let isExec: Bool

    /// Parses the part of a text from `start`.
    init(_ text: LogicalLine, from start: Int = 0) {
        self.text = text
        range = min(start, text.bytes.count)..<text.bytes.count
        var parser = ShellParser(text.bytes, in: range)
        parser.parse()
        (commands, hasPipe, isExec) = (parser.commands, parser.hasPipe, false)
    }

    /// Makes a script of one command in exec form.
    init(exec words: [String], at position: Position) {
        text = LogicalLine([], at: position)
        range = 0..<0
        commands = [ShellCommand(words: words.map { ShellWord(text: $0, range: 0..<0) })]
        (hasPipe, isExec) = (false, true)
    }

    /// Returns an edit that replaces a word; nil if it isn't plain text on one line.
    func replacing(_ word: ShellWord, with text: String) -> TextEdit? {
        guard let (start, end) = ends(of: word) else { return nil }
        return TextEdit(line: start.line, columns: start.column..<end, replacement: text)
    }

    /// Returns an edit that inserts text after a word.
    func inserting(_ text: String, after word: ShellWord) -> TextEdit? {
        guard let (start, end) = ends(of: word) else { return nil }
        return TextEdit(line: start.line, columns: end..<end, replacement: text)
    }

    private func ends(of word: ShellWord) -> (start: Position, end: Int)? {
        guard !isExec, !word.isQuoted, !word.isDynamic, !word.range.isEmpty else { return nil }
        let start = text.position(at: word.range.lowerBound)
        let last = text.position(at: word.range.upperBound - 1)
        return start.line == last.line ? (start, last.column + 1) : nil
    }
}

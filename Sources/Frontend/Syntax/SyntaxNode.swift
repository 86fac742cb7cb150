/// One instruction without semantic checks: keyword, flags, arguments.
struct SyntaxNode {
    /// The keyword, with its letter case.
    let keyword: Word
    let flags: [Word]
    /// The arguments; an ENV or LABEL pair has three: key, value, separator.
    let arguments: [Word]
    /// The instruction after ONBUILD.
    let trigger: [SyntaxNode]
    let isJSON: Bool
    /// The logical line, with its keyword.
    let original: String
    var heredocs: [Heredoc] = []
    /// The comment lines directly above, without `#` and blanks.
    var comments: [String] = []
    var lines: ClosedRange<Int>

    var name: String { keyword.text.asciiLowercased }

    static let deepestTrigger = 16

    init(_ line: LogicalLine, escape: UInt8, depth: Int = 0) throws(Diagnostic) {
        try self.init(line, line.bytes[...], escape: escape, depth: depth)
    }

    private init(
        _ line: LogicalLine, _ part: ArraySlice<UInt8>, escape: UInt8, depth: Int
    ) throws(Diagnostic) {
        let text = part.trimmingBlanks()
        let split = Words.head(text)
        func word(_ piece: Words.Piece) -> Word { Word(piece.text, at: line.position(at: piece.offset)) }
        keyword = word(((split?.head ?? text).text, text.startIndex))
        let (flags, rest) = Words.flags(split?.rest ?? text.suffix(0))
        self.flags = flags.map(word)
        let body = rest.trimmingBlanks()
        original = part.text
        lines = line.lines
        let name = keyword.text.asciiLowercased
        guard name != "onbuild" else {
            guard depth < Self.deepestTrigger else {
                throw Diagnostic(keyword.position, "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
            }
            trigger = body.isEmpty ? [] : [try SyntaxNode(line, body, escape: escape, depth: depth + 1)]
            (arguments, isJSON) = ([], trigger.first?.isJSON ?? false)
            return
        }
        trigger = []
        let read = try Self.arguments(of: name, body, escape: escape) { line.position(at: $0) }
        arguments = read.words.map(word)
        isJSON = read.isJSON
    }

    /// True if the lines below may contain heredocs of this instruction.
    var takesHeredocs: Bool {
        if let inner = trigger.first { return inner.takesHeredocs }
        return !isJSON && (name == "run" || name == "copy" || name == "add")
    }

    private typealias Arguments = (words: [Words.Piece], isJSON: Bool)

    private static func arguments(
        of name: String, _ body: ArraySlice<UInt8>, escape: UInt8, at position: (Int) -> Position
    ) throws(Diagnostic) -> Arguments {
        let whole: [Words.Piece] = body.isEmpty ? [] : [(body.text, body.startIndex)]
        switch name {
        case "env", "label":
            return (try pairs(name.asciiUppercased, in: body, escape: escape, position: position), false)
        case "arg": return (Words.quoted(body, escape: escape), false)
        case "from", "expose": return (Words.plain(body), false)
        case "maintainer", "stopsignal", "user", "workdir": return (whole, false)
        case "run", "cmd", "entrypoint", "shell":
            return try json(body, position) ?? (whole, false)
        case "copy", "add":
            return try json(body, position) ?? (Words.joiningHeredocs(Words.plain(body)), false)
        case "volume":
            return try json(body, position) ?? (Words.plain(body), false)
        case "healthcheck": return try healthcheck(body, position)
        default: return ([("", body.startIndex)], false)
        }
    }

    private static func json(
        _ body: ArraySlice<UInt8>, _ position: (Int) -> Position
    ) throws(Diagnostic) -> Arguments? {
        switch JSONStrings.read(body) {
        case .strings(let strings): return (strings, true)
        case .notArray: return nil
        case .otherArray:
            let message = "when using JSON array syntax, arrays must be comprised of strings only"
            throw Diagnostic(position(body.startIndex), message)
        }
    }

    private static func healthcheck(
        _ body: ArraySlice<UInt8>, _ position: (Int) -> Position
    ) throws(Diagnostic) -> Arguments {
        let end = body.firstIndex(where: \.isBlank) ?? body.endIndex
        guard end > body.startIndex else { return ([], false) }
        let kind: Words.Piece = (body[..<end].text, body.startIndex)
        let rest = body[end...].drop(while: \.isBlank)
        guard !rest.isEmpty else { return ([kind], false) }
        if let list = try json(rest, position) { return ([kind] + list.words, true) }
        return ([kind, (rest.text, rest.startIndex)], false)
    }

    private static func pairs(
        _ name: String, in body: ArraySlice<UInt8>, escape: UInt8, position: (Int) -> Position
    ) throws(Diagnostic) -> [Words.Piece] {
        let words = Words.quoted(body, escape: escape)
        guard let first = words.first else { return [] }
        guard first.text.utf8.contains(Ascii.equals) else {
            guard let (key, value) = Words.head(body) else {
                throw Diagnostic(position(first.offset), "\(name) must have two arguments")
            }
            return [(key.text, key.startIndex), (value.text, value.startIndex), ("", value.startIndex)]
        }
        var result: [Words.Piece] = []
        for word in words {
            guard let (key, value) = word.text.cut(Ascii.equals) else {
                let rule = "Must be of the form: name=value"
                throw Diagnostic(
                    position(word.offset), "Syntax error - can't find = in \(word.text.goQuoted). \(rule)")
            }
            let mark = word.offset + key.utf8.count
            result += [(key, word.offset), (value, mark + 1), ("=", mark)]
        }
        return result
    }
}

extension SyntaxNode {
    /// The node as an S-expression, without its outer parentheses.
    var dump: String {
        var parts = [keyword.text.goLowercased]
        if !flags.isEmpty { parts.append("[" + flags.map(\.text.goQuoted).joined(separator: " ") + "]") }
        parts += trigger.map { "(\($0.dump))" }
        parts += arguments.map(\.text.goQuoted)
        return parts.joined(separator: " ")
    }
}

extension String {
    /// The text in lower case, like Go's `strings.ToLower`.
    var goLowercased: String { utf8.allSatisfy { $0 < 0x80 } ? asciiLowercased : lowercased() }
}

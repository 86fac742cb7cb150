internal import Linux

/// The parser of one action, from behind `{{` to behind `}}`.
struct TemplateParser {
    /// The text that is not parsed yet.
    private(set) var rest: Substring
    /// True if the action ends with `-}}`, which removes the blanks behind it.
    private(set) var trims = false

    private static let maximumDepth = 50
    private static let keywords: Set = [
        "if", "else", "with", "template", "block", "define", "break", "continue",
    ]

    init(_ text: Substring) { rest = text }

    /// An action: a value to print, or a bound of a range.
    enum Action {
        case value([Template.PipelineCommand])
        case range([Template.PipelineCommand])
        case end
    }

    /// Parses the whole action.
    mutating func action() throws(TemplateError) -> Action {
        let action: Action
        if takes("range") {
            action = .range(try pipeline(depth: 0))
        } else {
            action = takes("end") ? .end : .value(try pipeline(depth: 0))
        }
        skipBlanks()
        if rest.hasPrefix("-}}") {
            trims = true
            rest = rest.dropFirst()
        }
        guard rest.hasPrefix("}}") else {
            throw TemplateError(rest.isEmpty ? "'{{' has no '}}'" : "unexpected '\(rest.prefix(1))' in an action")
        }
        rest = rest.dropFirst(2)
        return action
    }

    /// Skips a keyword; returns false if another word is next.
    private mutating func takes(_ keyword: String) -> Bool {
        skipBlanks()
        var ahead = self
        guard ahead.word() == keyword else { return false }
        self = ahead
        return true
    }

    private mutating func pipeline(depth: Int) throws(TemplateError) -> [Template.PipelineCommand] {
        guard depth < Self.maximumDepth else { throw TemplateError("parentheses are nested too deeply") }
        var commands = [try command(depth: depth)]
        while true {
            skipBlanks()
            guard rest.first == "|" else { return commands }
            rest = rest.dropFirst()
            let next = try command(depth: depth)
            guard next.function != nil else { throw TemplateError("a function must follow '|'") }
            commands.append(next)
        }
    }

    private mutating func command(depth: Int) throws(TemplateError) -> Template.PipelineCommand {
        skipBlanks()
        var command = Template.PipelineCommand(function: nil, arguments: [])
        if rest.first?.isLetter == true {
            let word = word()
            if let constant = Self.constants[word] {
                command.arguments.append(.constant(constant))
            } else {
                guard !Self.keywords.contains(word) else {
                    throw TemplateError("'\(word)' is not supported; use fields and functions, or --format json")
                }
                command.function = word
            }
        }
        while let term = try term(depth: depth) { command.arguments.append(term) }
        guard command.function != nil || command.arguments.count == 1 else {
            throw TemplateError(
                command.arguments.isEmpty ? "an action is empty" : "a value is followed by another without a function")
        }
        return command
    }

    private static let constants: [String: JSON] = ["true": .bool(true), "false": .bool(false), "nil": .null]

    /// Returns the next value; nil at the end of the command.
    private mutating func term(depth: Int) throws(TemplateError) -> Template.Term? {
        skipBlanks()
        switch rest.first {
        case nil, "|", ")", "}": return nil
        case "-" where rest.hasPrefix("-}}"): return nil
        case ".": return .field(try field())
        case "\"": return .constant(.string(try quoted()))
        case "`":
            let body = rest.dropFirst().prefix { $0 != "`" }
            rest = rest[body.endIndex...]
            guard rest.first == "`" else { throw TemplateError("a text has no end") }
            rest = rest.dropFirst()
            return .constant(.string(String(body)))
        case "(":
            rest = rest.dropFirst()
            let inner = try pipeline(depth: depth + 1)
            skipBlanks()
            guard rest.first == ")" else { throw TemplateError("'(' has no ')'") }
            rest = rest.dropFirst()
            return .pipeline(inner)
        case "$": throw TemplateError("variables are not supported")
        case let first?:
            let word = word()
            if let constant = Self.constants[word] { return .constant(constant) }
            guard let number = Int64(word) else {
                throw TemplateError("unexpected '\(word.isEmpty ? String(first) : word)'")
            }
            return .constant(.integer(number))
        }
    }

    private mutating func field() throws(TemplateError) -> [String] {
        var names: [String] = []
        while rest.first == "." {
            rest = rest.dropFirst()
            let name = word()
            if name.isEmpty, names.isEmpty, rest.first != "." { return [] }
            guard !name.isEmpty else { throw TemplateError("a field has no name") }
            names.append(name)
        }
        return names
    }

    private mutating func word() -> String {
        let word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" && rest.first == "-" }
        // The end of `{{.A -}}` is no part of a word.
        rest = rest[word.endIndex...]
        return String(word)
    }

    private mutating func quoted() throws(TemplateError) -> String {
        var text = ""
        rest = rest.dropFirst()
        while let character = rest.popFirst() {
            switch character {
            case "\"": return text
            case "\\":
                guard let escaped = rest.popFirst() else { break }
                let known: [Character: Character] = ["n": "\n", "t": "\t", "r": "\r", "\\": "\\", "\"": "\""]
                guard let plain = known[escaped] else { throw TemplateError("unknown escape '\\\(escaped)'") }
                text.append(plain)
            default: text.append(character)
            }
        }
        throw TemplateError("a text has no end")
    }

    private mutating func skipBlanks() { rest = rest.drop(while: \.isWhitespace) }
}

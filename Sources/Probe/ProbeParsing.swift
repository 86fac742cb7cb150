/// The check that an image serves: a request, a connection, a command, or a line of its output.
public enum ProbeAction: Hashable, Sendable, CustomStringConvertible {
    /// A GET whose response has a status from 200 to 399.
    case http(port: UInt16, path: String)
    /// A connection that is accepted.
    case tcp(port: UInt16)
    /// A command in the image, run without a shell, that ends with status 0.
    case exec([String])
    /// A regular expression that matches within a line of the entrypoint's output, in the syntax of `LinePattern`.
    case log(String)

    /// Parses `http:PORT/PATH`, `tcp:PORT`, `exec:COMMAND` or `log:REGEX`.
    ///
    /// The words of a command are split at spaces; quotes and backslashes keep them together, as in a shell.
    ///
    /// - Throws: ``ColdStartError/malformedProbe(_:reason:)``
    public init(parsing text: String) throws(ColdStartError) {
        guard let colon = text.firstIndex(of: ":") else {
            throw .malformedProbe(text, reason: "it must begin with http:, tcp:, exec: or log:")
        }
        let value = String(text[text.index(after: colon)...])
        switch text[..<colon] {
        case "http": self = try ProbeAction.http(value, in: text)
        case "tcp": self = .tcp(port: try ProbeAction.port(value, in: text))
        case "exec": self = .exec(try ProbeAction.words(value, in: text))
        case "log": self = try ProbeAction.log(value, in: text)
        default: throw .malformedProbe(text, reason: "it must begin with http:, tcp:, exec: or log:")
        }
    }

    /// The text that ``init(parsing:)`` parses.
    public var description: String {
        switch self {
        case .http(let port, let path): "http:\(port)\(path)"
        case .tcp(let port): "tcp:\(port)"
        case .exec(let words): "exec:" + words.map(ProbeAction.quoted).joined(separator: " ")
        case .log(let pattern): "log:\(pattern)"
        }
    }

    private static func http(_ value: String, in text: String) throws(ColdStartError) -> ProbeAction {
        let slash = value.firstIndex(of: "/") ?? value.endIndex
        let port = try port(String(value[..<slash]), in: text)
        let path = slash == value.endIndex ? "/" : String(value[slash...])
        guard path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw .malformedProbe(text, reason: "a path must not have spaces or control characters; escape them with %")
        }
        return .http(port: port, path: path)
    }

    private static func log(_ pattern: String, in text: String) throws(ColdStartError) -> ProbeAction {
        guard !pattern.isEmpty else { throw .malformedProbe(text, reason: "there is no pattern after log:") }
        do throws(LinePattern.Refusal) { _ = try LinePattern(pattern) } catch {
            throw .malformedProbe(text, reason: error.reason)
        }
        return .log(pattern)
    }

    private static func port(_ digits: String, in text: String) throws(ColdStartError) -> UInt16 {
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits), port > 0 else {
            throw .malformedProbe(text, reason: "'\(digits)' is not a port from 1 to 65535")
        }
        return port
    }

    private static func words(_ value: String, in text: String) throws(ColdStartError) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var isEscaped = false
        for character in value {
            if isEscaped {
                word = (word ?? "") + String(character)
                isEscaped = false
            } else if character == "\\", quote != "'" {
                isEscaped = true
            } else if character == quote {
                quote = nil
            } else if quote == nil, character == "'" || character == "\"" {
                quote = character
                word = word ?? ""
            } else if quote == nil, character == " " {
                if let ended = word { words.append(ended) }
                word = nil
            } else {
                word = (word ?? "") + String(character)
            }
        }
        guard quote == nil, !isEscaped else { throw .malformedProbe(text, reason: "a quote is not closed") }
        if let word { words.append(word) }
        guard let program = words.first, !program.isEmpty else {
            throw .malformedProbe(text, reason: "there is no command after exec:")
        }
        return words
    }

    private static func quoted(_ word: String) -> String {
        let isPlain = !word.isEmpty && !word.contains { " '\"\\".contains($0) }
        return isPlain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }
}

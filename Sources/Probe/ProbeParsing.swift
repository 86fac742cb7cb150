/// A probe with a syntax error.
public enum ProbeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The text is no probe, for a reason that ends a sentence.
    case malformed(String, reason: String)

    /// The error in one sentence.
    public var description: String {
        switch self {
        case .malformed(let text, let reason): "probe '\(text)' cannot be read: \(reason)"
        }
    }
}

extension ProbeAction {
    /// A GET of a path.
    public static func http(port: UInt16, path: String) -> ProbeAction {
        .http(HTTPProbe(port: port, path: Array(path.utf8)))
    }

    /// A command as words.
    public static func exec(_ words: [String]) -> ProbeAction { .exec(words.map { Array($0.utf8) }) }

    /// A pattern for lines of the output.
    public static func log(_ pattern: String) -> ProbeAction { .log(Array(pattern.utf8)) }
}

extension ProbeAction: CustomStringConvertible {
    /// Parses `http:PORT/PATH`, `http://HOST:PORT/PATH`, `tcp:PORT`, `exec:COMMAND` or `log:REGEX`.
    ///
    /// The words of a command are split at spaces; quotes and backslashes keep them together, as in a shell. So are the
    /// options after an HTTP path: `method=POST`, `header='Accept: text/html'`, `body=TEXT`, `status=200,300-399` and
    /// `contains=TEXT`.
    ///
    /// - Throws: ``ProbeError/malformed(_:reason:)``
    public init(parsing text: String) throws(ProbeError) {
        guard let colon = text.firstIndex(of: ":") else {
            let advice = UInt16(text) == nil ? "" : "; write tcp:\(text), or http:\(text)/"
            throw .malformed(text, reason: "it must begin with http:, tcp:, exec: or log:\(advice)")
        }
        let value = String(text[text.index(after: colon)...])
        switch text[..<colon] {
        case "http": self = try ProbeAction.http(value, in: text)
        case "https":
            throw .malformed(
                text, reason: "TLS is not supported; probe the port without TLS, or run a client with exec:")
        case "tcp": self = .tcp(port: try ProbeAction.port(value, in: text))
        case "exec":
            let words = try ProbeAction.words(value, in: text)
            guard let program = words.first, !program.isEmpty else {
                throw .malformed(text, reason: "there is no command after exec:")
            }
            self = .exec(words)
        case "log": self = try ProbeAction.log(value, in: text)
        default: throw .malformed(text, reason: "it must begin with http:, tcp:, exec: or log:")
        }
    }

    /// The text that ``init(parsing:)`` parses.
    public var description: String {
        switch self {
        case .http(let probe): "http:" + probe.words.map(ProbeAction.quoted).joined(separator: " ")
        case .tcp(let port): "tcp:\(port)"
        case .exec(let words): "exec:" + words.map { ProbeAction.quoted(ProbeAction.text($0)) }.joined(separator: " ")
        case .log(let pattern): "log:\(ProbeAction.text(pattern))"
        }
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private static func http(_ value: String, in text: String) throws(ProbeError) -> ProbeAction {
        let words = try words(value, in: text)
        do throws(HTTPProbeText.Refusal) { return .http(try HTTPProbeText(words).probe) } catch {
            throw .malformed(text, reason: error.reason)
        }
    }

    private static func log(_ pattern: String, in text: String) throws(ProbeError) -> ProbeAction {
        guard !pattern.isEmpty else { throw .malformed(text, reason: "there is no pattern after log:") }
        do throws(LinePattern.Refusal) { _ = try LinePattern(pattern) } catch {
            throw .malformed(text, reason: error.reason)
        }
        return .log(pattern)
    }

    private static func port(_ digits: String, in text: String) throws(ProbeError) -> UInt16 {
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits), port > 0 else {
            throw .malformed(text, reason: "'\(digits)' is not a port from 1 to 65535")
        }
        return port
    }

    private static func words(_ value: String, in text: String) throws(ProbeError) -> [String] {
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
        guard quote == nil, !isEscaped else { throw .malformed(text, reason: "a quote is not closed") }
        if let word { words.append(word) }
        return words
    }

    private static func quoted(_ word: String) -> String {
        let isPlain = !word.isEmpty && !word.contains { " '\"\\".contains($0) }
        return isPlain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }
}

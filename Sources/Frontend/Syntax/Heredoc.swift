/// A heredoc: a document in the Dockerfile, below the instruction that uses it.
public struct Heredoc: Hashable, Sendable {
    /// The word after `<<`, without quotes; also the line that ends the body.
    public let name: String
    /// The number before `<<`, or nil.
    public let fileDescriptor: Int?
    /// True for `<<-`, which removes leading tabs.
    public let stripsTabs: Bool
    /// True if `$` forms in the body are expanded, since no part of the word is quoted.
    public let expands: Bool
    /// The position of the `<<` word.
    public let position: Position
    /// The unchanged lines of the body, each with its line end.
    public internal(set) var body: String = ""

    /// The body, without leading tabs for `<<-`.
    public var content: String {
        guard stripsTabs else { return body }
        var result: [UInt8] = []
        var atStart = true
        for byte in body.utf8 where !(atStart && byte == Ascii.tab) {
            result.append(byte)
            atStart = byte == Ascii.newline
        }
        return result.text
    }

    /// Parses a word that opens a heredoc, such as `3<<-"EOF"`; returns nil for any other word.
    init?(_ word: String, at position: Position) {
        let bytes = Array(word.utf8)
        let digits = bytes.prefix(while: \.isDigit)
        var rest = bytes.dropFirst(digits.count)
        guard rest.starts(with: [Ascii.less, Ascii.less]) else { return nil }
        rest = rest.dropFirst(2)
        let stripsTabs = rest.first == Ascii.dash
        rest = rest.dropFirst(stripsTabs ? 1 : 0)
        let hasBlanks = rest.first?.isBlank == true
        rest = rest.drop(while: \.isBlank)
        guard !rest.isEmpty, !rest.contains(Ascii.less) else { return nil }
        // `$((1 << 3))` shifts a number.
        if hasBlanks, rest.contains(UInt8(ascii: ")")) { return nil }
        guard let name = Self.words(Array(rest), raw: false), name.count == 1,
            let raw = Self.words(Array(rest), raw: true), raw.count == 1
        else { return nil }
        self.name = name[0]
        fileDescriptor = digits.isEmpty ? nil : Int(digits.text)
        self.stripsTabs = stripsTabs
        expands = name == raw
        self.position = position
    }

    /// Returns the heredocs that a line of an instruction opens, in order.
    static func openings(in line: LogicalLine) -> [Heredoc] {
        guard let words = words(line.bytes, raw: true) else { return [] }
        let marks = line.bytes.indices.filter { line.bytes[$0] == Ascii.less }
        var seen = 0
        return words.compactMap { word in
            let own = word.utf8.count { $0 == Ascii.less }
            guard own > 0 else { return nil }
            let start = seen < marks.count ? marks[seen] - word.utf8.prefix(while: \.isDigit).count : 0
            seen += own
            return Heredoc(word, at: line.position(at: max(0, start)))
        }
    }

    /// Returns the shell words of a line without expansion, or nil for an open quote or brace.
    private static func words(_ bytes: [UInt8], raw: Bool) -> [String]? {
        let options = Expander.Options(
            keepsQuotes: raw, keepsEscapes: raw, keepsUnset: true, joinsHeredocs: true)
        var expander = Expander(bytes, options) { _ in nil }
        do { return try expander.words() } catch { return nil }
    }
}

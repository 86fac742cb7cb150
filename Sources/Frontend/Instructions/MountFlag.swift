/// A `--mount=` of RUN before expansion; ``Scope/mount(_:)`` makes a ``MountSpec`` of it.
public struct MountFlag: Hashable, Sendable {
    struct MountField: Hashable {
        let key: String
        let value: Word?
        let text: String
    }

    /// The whole value of the flag.
    public let word: Word
    /// `from=`, which is never expanded.
    public let from: Word?
    let fields: [MountField]

    init(_ word: Word) throws(Diagnostic) {
        self.word = word
        fields = try Self.split(word)
        from = fields.last { $0.key == "from" }?.value
        if let from, Self.looksVariable(from.text) {
            let message = "'from' doesn't support variable expansion, define alias stage instead"
            throw Diagnostic(from.position, message)
        }
        if !word.mayExpand { _ = try MountSpec(self) { (value) throws(Diagnostic) in value.text } }
    }

    /// True if the text has a dollar sign with a character after it.
    static func looksVariable(_ text: String) -> Bool {
        guard let mark = text.utf8.firstIndex(of: Ascii.dollar) else { return false }
        return text.utf8.index(after: mark) != text.utf8.endIndex
    }

    /// Splits the value at commas; a field in double quotes may contain commas, and `""` for a quote.
    private static func split(_ word: Word) throws(Diagnostic) -> [MountField] {
        var fields: [MountField] = []
        let bytes = Array(word.text.utf8)
        var index = 0
        repeat {
            let start = index
            var text: [UInt8] = []
            if index < bytes.count, bytes[index] == Ascii.quote {
                text = try quotedField(in: bytes, at: &index, of: word)
            } else {
                while index < bytes.count, bytes[index] != Ascii.comma {
                    guard bytes[index] != Ascii.quote else { throw csvError(word, "bare \" in non-quoted-field") }
                    text.append(bytes[index])
                    index += 1
                }
            }
            fields.append(field(text.text, Position(line: word.position.line, column: word.position.column + start)))
            index += 1
        } while index <= bytes.count
        return fields
    }

    private static func quotedField(
        in bytes: [UInt8], at index: inout Int, of word: Word
    ) throws(Diagnostic) -> [UInt8] {
        var text: [UInt8] = []
        index += 1
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            guard byte == Ascii.quote else {
                text.append(byte)
                continue
            }
            if index == bytes.count || bytes[index] == Ascii.comma { return text }
            guard bytes[index] == Ascii.quote else { break }
            text.append(byte)
            index += 1
        }
        throw csvError(word, "extraneous or missing \" in quoted-field")
    }

    private static func csvError(_ word: Word, _ reason: String) -> Diagnostic {
        Diagnostic(word.position, "failed to parse csv mounts: \(reason)")
    }

    private static func field(_ text: String, _ position: Position) -> MountField {
        guard let (key, value) = text.cut(Ascii.equals) else {
            return MountField(key: text.asciiLowercased, value: nil, text: text)
        }
        let place = Position(line: position.line, column: position.column + key.utf8.count + 1)
        return MountField(key: key.asciiLowercased, value: Word(value, at: place), text: text)
    }
}

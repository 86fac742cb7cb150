/// The flags of one instruction, checked against the flags that the instruction has.
struct Flags {
    enum Kind { case bool, string, list }

    private var values: [String: [Word]] = [:]

    /// Reads the flags of a node.
    ///
    /// - Throws: A ``Diagnostic`` for the first flag that is unknown, repeated, malformed or without a value.
    init(_ node: SyntaxNode, _ known: KeyValuePairs<String, Kind> = [:]) throws(Diagnostic) {
        for flag in node.flags {
            let body = flag.text.utf8.dropFirst(2).text
            let (name, value) = body.cut(Ascii.equals) ?? (body, nil)
            guard let kind = known.first(where: { $0.key == name })?.value else {
                let ending = Suggestion.ending(for: name, in: known.map(\.key))
                throw Diagnostic(flag.position, "unknown flag: --\(name)\(ending)")
            }
            guard kind == .list || values[name] == nil else {
                throw Diagnostic(flag.position, "duplicate flag specified: --\(name)")
            }
            let text = try Self.checked(value, name: name, kind: kind, flag: flag)
            let column = flag.position.column + (value == nil ? 0 : name.utf8.count + 3)
            values[name, default: []].append(Word(text, at: Position(line: flag.position.line, column: column)))
        }
    }

    private static func checked(
        _ value: String?, name: String, kind: Kind, flag: Word
    ) throws(Diagnostic) -> String {
        guard kind == .bool else {
            guard let value else { throw Diagnostic(flag.position, "missing a value on flag: --\(name)") }
            return value
        }
        guard let value else { return "true" }
        if value.isEmpty { throw Diagnostic(flag.position, "missing a value on flag: --\(name)") }
        let lower = value.asciiLowercased
        guard lower == "true" || lower == "false" else {
            throw Diagnostic(flag.position, "expecting boolean value for flag --\(name), not: \(value)")
        }
        return lower
    }

    /// Returns the value of a string flag; an empty value is nil.
    func word(_ name: String) -> Word? {
        values[name]?.first.flatMap { $0.text.isEmpty ? nil : $0 }
    }

    func list(_ name: String) -> [Word] { values[name] ?? [] }

    func bool(_ name: String) -> Bool? { values[name]?.first.map { $0.text == "true" } }
}

/// The parser directives: `# key=value` lines at the start of a file.
public struct Directives: Sendable {
    /// `# syntax=`: the frontend image.
    public private(set) var syntax: Word?
    /// `# escape=`: a backslash or a backtick.
    public private(set) var escape = UInt8(ascii: "\\")
    /// `# check=`: the options of the linter.
    public private(set) var check: Word?

    private var seen: Set<String> = []

    init() {}

    /// Reads one comment line.
    ///
    /// - Returns: True if the next line may be a directive too.
    /// - Throws: A ``Diagnostic`` for a repeated directive or a wrong value.
    mutating func read(_ line: ArraySlice<UInt8>, at position: Position) throws(Diagnostic) -> Bool {
        guard let (key, value) = Self.split(line, at: position) else { return false }
        guard ["syntax", "escape", "check"].contains(key) else { return false }
        guard seen.insert(key).inserted else {
            throw Diagnostic(position, "only one \(key) parser directive can be used")
        }
        switch key {
        case "syntax": syntax = value
        case "check":
            check = value
            _ = try CheckOptions(value)
        default:
            guard value.text == "\\" || value.text == "`", let byte = value.text.utf8.first else {
                throw Diagnostic(value.position, "invalid escape token '\(value.text)' does not match ` or \\")
            }
            escape = byte
        }
        return true
    }

    /// Splits `# key = value`; returns the key in lower case, or nil for another comment.
    static func split(_ line: ArraySlice<UInt8>, at position: Position) -> (key: String, value: Word)? {
        let body = line.dropFirst().drop(while: \.isBlank)
        guard body.first?.isLetter == true else { return nil }
        let key = body.prefix { $0.isLetter || $0.isDigit }
        let mark = body[key.endIndex...].drop(while: \.isBlank)
        guard mark.first == Ascii.equals else { return nil }
        let value = mark.dropFirst().trimmingBlanks()
        guard !value.isEmpty else { return nil }
        let place = Position(line: position.line, column: position.column + value.startIndex - line.startIndex)
        return (key.text.asciiLowercased, Word(value.text, at: place))
    }

    /// Finds a syntax line in another comment style: after `#!`, as `// syntax=`, or in a JSON object.
    mutating func findForeignSyntax(in bytes: [UInt8]) {
        var lines = bytes.prefix(4096).split(separator: Ascii.newline, maxSplits: 32, omittingEmptySubsequences: false)
        guard var first = lines.first else { return }
        var number = 1
        if first.starts(with: "#!".utf8), lines.count > 1 {
            lines.removeFirst()
            number = 2
            first = lines[0]
            if let (key, value) = Self.split(first, at: Position(line: 2, column: 1)), key == "syntax",
                first.first == Ascii.hash
            {
                syntax = value
                return
            }
        }
        if first.starts(with: "//".utf8) {
            if let (key, value) = Self.split(first.dropFirst(), at: Position(line: number, column: 2)), key == "syntax"
            {
                syntax = value
            }
        } else if first.first(where: { !$0.isBlank }) == Ascii.openBrace {
            findJSONSyntax(Array(lines.joined(separator: [Ascii.newline])), line: number)
        }
    }

    private mutating func findJSONSyntax(_ bytes: [UInt8], line: Int) {
        let key = Array("\"syntax\"".utf8)
        guard let start = (0...max(0, bytes.count - key.count)).first(where: { bytes[$0...].starts(with: key) }) else {
            return
        }
        let rest = bytes[(start + key.count)...].drop(while: \.isBlank)
        guard rest.first == Ascii.colon else { return }
        let value = rest.dropFirst().drop(while: \.isBlank)
        guard value.first == Ascii.quote else { return }
        syntax = Word(value.dropFirst().prefix { $0 != Ascii.quote }.text, at: Position(line: line, column: 1))
    }

    /// Returns the error for an unsupported frontend, or nil for the language of this module.
    static func refusal(override: String?, in directives: Directives) -> Diagnostic? {
        let wanted = override.map { Word($0, at: Position(line: 0, column: 0)) } ?? directives.syntax
        guard let wanted else { return nil }
        let image = wanted.text.utf8.prefix { !$0.isBlank }.text
        if override != nil, image == "dockerfile.v0" { return nil }
        var name = image.utf8.prefix { $0 != UInt8(ascii: "@") }
        // A mirror has the frontend under the same path.
        if let slash = name.firstIndex(of: Ascii.slash),
            name[..<slash].contains(where: { $0 == Ascii.dot || $0 == Ascii.colon })
        {
            name = name[name.index(after: slash)...]
        }
        let repository = name.prefix { $0 != Ascii.colon }.text
        if repository == "docker/dockerfile" || repository.utf8.starts(with: "docker/dockerfile-".utf8) { return nil }
        let reason = "thaw reads the language of docker/dockerfile itself and runs no other frontend"
        return Diagnostic(wanted.position, "unsupported syntax image \(image.goQuoted): \(reason)")
    }
}

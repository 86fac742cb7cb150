/// Where something stands in a file: both numbers start at 1, the column counts UTF-8 bytes.
public struct Position: Hashable, Sendable, Comparable {
    /// The physical line, from 1.
    public let line: Int
    /// The byte in that line, from 1.
    public let column: Int

    /// A position; line 0 means "the file as a whole".
    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    /// The order of reading.
    public static func < (left: Position, right: Position) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// One thing that is wrong, and where.
public struct Diagnostic: Error, Hashable, Sendable {
    /// Where the wrong thing starts.
    public let position: Position
    /// One sentence, in BuildKit's words where BuildKit has words for it.
    public let message: String

    /// A diagnostic at a place.
    public init(_ position: Position, _ message: String) {
        self.position = position
        self.message = message
    }
}

/// Everything that is wrong with one Dockerfile, in the order of reading.
public struct DockerfileError: Error, Sendable, CustomStringConvertible {
    /// The name the file was given, for the front of every message.
    public let name: String
    /// What is wrong; never empty.
    public let diagnostics: [Diagnostic]
    /// The text of the line each diagnostic points to, or nil where it points to the whole file.
    public let sourceLines: [String?]

    /// The messages as compilers print them: `NAME:LINE:COLUMN: sentence`, the line, and a caret below it.
    public var description: String {
        zip(diagnostics, sourceLines).map(rendered).joined(separator: "\n")
    }

    private func rendered(_ diagnostic: Diagnostic, _ source: String?) -> String {
        guard let source else { return "\(name): \(diagnostic.message)" }
        let position = diagnostic.position
        let head = "\(name):\(position.line):\(position.column): \(diagnostic.message)"
        let number = String(position.line)
        let margin = String(repeating: " ", count: number.utf8.count)
        return "\(head)\n  \(number) | \(excerpt(source))\n  \(margin) | \(caretIndent(source, position.column))^"
    }

    /// A line of a megabyte would bury the caret, so only its start is shown.
    private func excerpt(_ source: String) -> String {
        source.utf8.count > 2 * Self.widestLine ? String(source.prefix(Self.widestLine)) + "…" : source
    }

    private func caretIndent(_ source: String, _ column: Int) -> String {
        let before = source.utf8.prefix(max(0, min(column - 1, Self.widestLine)))
        var indent = ""
        for byte in before where byte & 0xC0 != 0x80 { indent += byte == Ascii.tab ? "\t" : " " }
        return indent
    }

    private static let widestLine = 400
}

/// A position in a file: both numbers start at 1, the column counts UTF-8 bytes.
public struct Position: Hashable, Sendable, Comparable {
    /// The physical line, from 1.
    public let line: Int
    /// The byte in that line, from 1.
    public let column: Int

    /// Makes a position; line 0 is the file as a whole.
    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    /// Compares by line, then by column.
    public static func < (left: Position, right: Position) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// One error of a Dockerfile and its position.
public struct Diagnostic: Error, Hashable, Sendable {
    /// The start of the wrong text.
    public let position: Position
    /// One sentence, with BuildKit's text if BuildKit has the same error.
    public let message: String

    public init(_ position: Position, _ message: String) {
        self.position = position
        self.message = message
    }
}

/// All errors of one Dockerfile, in order of position.
public struct DockerfileError: Error, Sendable, CustomStringConvertible {
    /// The name of the file, with which each message starts.
    public let name: String
    /// The errors; never empty.
    public let diagnostics: [Diagnostic]
    /// The text of each diagnostic's line, or nil for a diagnostic of the whole file.
    public let sourceLines: [String?]

    /// The messages in the form of a compiler: `NAME:LINE:COLUMN: sentence`, the line, and a caret below it.
    public var description: String {
        zip(diagnostics, sourceLines).map(rendered).joined(separator: "\n")
    }

    private func rendered(_ diagnostic: Diagnostic, _ source: String?) -> String {
        guard let source else { return "\(name): \(diagnostic.message)" }
        let position = diagnostic.position
        let head = "\(name):\(position.line):\(position.column): \(diagnostic.message)"
        let number = String(position.line)
        let margin = String(repeating: " ", count: number.utf8.count)
        let window = Self.window(Array(source.utf8), position.column)
        return "\(head)\n  \(number) | \(window.text)\n  \(margin) | \(window.indent)^"
    }

    /// Returns the line, or the part of a long line around the column, and the blanks before the caret.
    private static func window(_ line: [UInt8], _ column: Int) -> (text: String, indent: String) {
        let place = max(0, min(column - 1, line.count))
        var start = line.count > 160 ? max(0, place - 60) : 0
        while start > 0, start < line.count, line[start].isContinuation { start -= 1 }
        var end = line.count > 160 ? min(line.count, start + 120) : line.count
        while end < line.count, line[end].isContinuation { end += 1 }
        let before = line[start..<max(start, place)].filter { !$0.isContinuation }
        let indent = before.reduce(into: start > 0 ? " " : "") { $0 += $1 == Ascii.tab ? "\t" : " " }
        let text = (start > 0 ? "…" : "") + line[start..<end].text + (end < line.count ? "…" : "")
        return (text, indent)
    }
}

extension DockerfileError {
    /// Sorts the diagnostics and finds their lines in one pass over the file.
    init(name: String, _ problems: [Diagnostic], in source: [UInt8]) {
        self.name = name
        diagnostics = problems.sorted { $0.position < $1.position }
        var lines: [String?] = []
        var number = 1
        var start = source.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        for diagnostic in diagnostics {
            while number < diagnostic.position.line, let end = source[start...].firstIndex(of: Ascii.newline) {
                start = end + 1
                number += 1
            }
            let isFound = number == diagnostic.position.line && number > 0
            lines.append(
                isFound ? source[start...].prefix { $0 != Ascii.newline && $0 != Ascii.carriageReturn }.text : nil)
        }
        sourceLines = lines
    }
}

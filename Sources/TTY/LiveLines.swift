/// The lines that stay below all other output of a terminal, and the escape sequences that replace them.
struct LiveLines: Sendable {
    /// The widths of the lines on the screen.
    private var shown: [Int] = []

    /// Returns the text to write: it prints `text` where the lines were, and the new lines below.
    ///
    /// A terminal that became narrower has wrapped the old lines, so the rows that they take depend on its width now.
    ///
    /// - Parameters:
    ///   - text: Whole lines, which stay; empty to replace the lines alone.
    ///   - columns: The width of the terminal. Longer lines are cut, so that they never wrap.
    ///   - limit: The largest number of lines.
    mutating func replace(
        with lines: [String], printing text: String = "", columns: Int, limit: Int = 8
    ) -> String {
        let width = max(columns, 2)
        let rows = shown.reduce(0) { $0 + max(1, ($1 + width - 1) / width) }
        // Row by row: tmux keeps what is erased from the first row to the end of the screen in its history.
        let wipe = rows == 0 ? "" : "\r\u{1b}[K" + String(repeating: "\u{1b}[A\u{1b}[K", count: rows - 1)
        let cut = lines.prefix(limit).map { Self.cut($0, to: width - 1) }
        shown = cut.map(\.width)
        return wipe + text + cut.map(\.text).joined(separator: "\n")
    }

    /// Returns the part of a line that fits, and its width; characters beyond ASCII may take two columns.
    private static func cut(_ line: String, to columns: Int) -> (text: String, width: Int) {
        var (text, width) = ("", 0)
        for character in line {
            let next = width + (character.isASCII ? 1 : 2)
            if next > columns { break }
            text.append(character)
            width = next
        }
        return (text, width)
    }
}

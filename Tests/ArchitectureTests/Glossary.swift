import Harness

/// The tables of `docs/glossary.md`.
struct Glossary {
    /// A row: the text of its two cells.
    struct Row {
        let first: String
        let second: String

        /// The words of the first cell that are code.
        var code: [String] { first.matches(of: /`([^`]+)`/).map { String($0.1) } }
    }

    /// Our own terms, with their meaning.
    let terms: [Row]
    /// Words that are not written, with the words for them.
    let banned: [Row]

    static let path = "docs/glossary.md"

    /// Reads the page.
    init() throws {
        let lines = try Sources.text(Self.path).split(separator: "\n", omittingEmptySubsequences: false)
        terms = Self.rows(of: lines, below: "| term |")
        banned = Self.rows(of: lines, below: "| not |")
    }

    private static func rows(of lines: [Substring], below heading: String) -> [Row] {
        lines.split { !$0.hasPrefix("|") }.filter { $0.first?.hasPrefix(heading) == true }
            .flatMap { $0.dropFirst(2) }
            .map { line in
                let cells = line.split(separator: "|").map { $0.split(separator: " ").joined(separator: " ") }
                return Row(first: cells.first ?? "", second: cells.count > 1 ? cells[1] : "")
            }
    }
}

/// The severity of a finding, in ascending order.
public enum LintSeverity: String, Sendable, Comparable, CaseIterable {
    case style, info, warning, error

    public static func < (left: LintSeverity, right: LintSeverity) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .style: 0
        case .info: 1
        case .warning: 2
        case .error: 3
        }
    }
}

/// A replacement of bytes of one line, or of the whole line.
public struct TextEdit: Hashable, Sendable {
    /// The physical line, from 1.
    public let line: Int
    /// The bytes to replace, counted from 1; nil for the whole line with its line end.
    public let columns: Range<Int>?
    public let replacement: String

    static func deletion(ofLine line: Int) -> TextEdit { TextEdit(line: line, columns: nil, replacement: "") }

    /// Returns an edit that replaces a word, which must be unexpanded text of the file.
    static func replacing(_ word: Word, with text: String) -> TextEdit {
        let start = word.position.column
        return TextEdit(line: word.position.line, columns: start..<start + word.text.utf8.count, replacement: text)
    }

    static func inserting(_ text: String, at position: Position) -> TextEdit {
        TextEdit(line: position.line, columns: position.column..<position.column, replacement: text)
    }
}

/// A finding of the linter in a Dockerfile.
public struct LintFinding: Hashable, Sendable {
    /// The rule: BuildKit's name, hadolint's number, or one of Thaw's own.
    public let rule: String
    /// The names of the same fault in other linters.
    public var otherNames: [String] = []
    public let severity: LintSeverity
    /// One sentence about this place.
    public let message: String
    /// The lines of the finding.
    public let lines: ClosedRange<Int>
    /// The first byte in the first line, from 1.
    public var startColumn = 1
    /// The byte after the last one in the last line, from 1.
    public var endColumn = 1
    /// The remedy for people; nil if the message contains it.
    public let fix: String?
    /// The automatic fix, which can't change the image; empty if there is none.
    public let edits: [TextEdit]
    /// The fix that may change the image, so that the user must decide; never written by `--fix`.
    public var proposal: [TextEdit] = []

    /// All names of the fault.
    public var names: [String] { [rule] + otherNames }
}

extension Lint {
    /// Applies the automatic fixes of the findings to the file; the first of overlapping edits wins.
    public static func applying(_ findings: [LintFinding], to source: [UInt8]) -> [UInt8] {
        var byLine: [Int: [TextEdit]] = [:]
        var seen: Set<TextEdit> = []
        for edit in findings.flatMap(\.edits) where seen.insert(edit).inserted {
            byLine[edit.line, default: []].append(edit)
        }
        let mark = source.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        var result = Array(source[..<mark])
        var number = 0
        var start = mark
        while start < source.count {
            let end = (source[start...].firstIndex(of: Ascii.newline) ?? source.count - 1) + 1
            number += 1
            let line = Array(source[start..<end])
            result += byLine[number].map { apply($0, to: line) } ?? line
            start = end
        }
        return result
    }

    static func apply(_ edits: [TextEdit], to line: [UInt8]) -> [UInt8] {
        if let whole = edits.first(where: { $0.columns == nil }) {
            guard !whole.replacement.isEmpty else { return [] }
            let end = line.trailing { $0 == Ascii.newline || $0 == Ascii.carriageReturn }
            return Array(whole.replacement.utf8) + end
        }
        var result: [UInt8] = []
        var cursor = 1
        let ordered = edits.enumerated().sorted { left, right in
            let (a, b) = (left.element.columns?.lowerBound ?? 0, right.element.columns?.lowerBound ?? 0)
            return (a, left.offset) < (b, right.offset)
        }
        for edit in ordered.map(\.element) {
            guard let columns = edit.columns, columns.lowerBound >= cursor, columns.upperBound <= line.count + 1 else {
                continue
            }
            result += line[(cursor - 1)..<(columns.lowerBound - 1)] + Array(edit.replacement.utf8)
            cursor = columns.upperBound
        }
        return result + line[(cursor - 1)...]
    }
}

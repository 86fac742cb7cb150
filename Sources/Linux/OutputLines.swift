// The lines of a program's output as a terminal would show them, in plain text.
//
//     bytes ──► lines at \n ──► one line of cells: \r, \b, tabs, erasing, moving within the line ──► visible text
//
// A progress bar that redraws itself after \r yields its last state. Colours and titles are left out, and moves beyond
// the line have no effect. So a program can't change other output. It also can't hide its own output in an escape
// sequence that never ends.

/// Splits output into lines, independent of the pieces in which it arrives.
public struct OutputLines: Sendable {
    /// The limit of a line in bytes; a longer one is cut.
    private static let limit = 64 << 10
    private var rest: [UInt8] = []

    /// A splitter without any output yet.
    public init() {}

    /// Adds a piece of output; returns the lines that it completes.
    public mutating func add(_ bytes: some Sequence<UInt8>) -> [String] {
        var lines: [String] = []
        var (start, new) = (0, rest.count)
        rest += bytes
        while let end = rest[new...].firstIndex(of: 10) {
            lines.append(Self.line(rest[start..<end]))
            start = end + 1
            new = start
        }
        rest.removeFirst(start)
        if rest.count > Self.limit { lines += shortened() }
        return lines
    }

    /// Returns the last line if it has no newline.
    public mutating func finish() -> String? {
        defer { rest = [] }
        return rest.isEmpty ? nil : Self.line(rest[...])
    }

    /// Returns all lines of an output, each with a newline.
    public static func text(_ bytes: some Sequence<UInt8>) -> String {
        var lines = OutputLines()
        let whole = lines.add(bytes)
        return (whole + [lines.finish()].compactMap(\.self)).map { $0 + "\n" }.joined()
    }

    /// Removes text that `\r` overwrote; cuts a line without `\r`.
    private mutating func shortened() -> [String] {
        if let last = rest.dropLast().lastIndex(of: 13), rest.count - last <= Self.limit {
            rest.removeFirst(last + 1)
            return []
        }
        return finish().map { [$0] } ?? []
    }

    /// Returns one line of output, without its newline, in its final state.
    public static func line(_ bytes: ArraySlice<UInt8>) -> String {
        let bytes = bytes.last == 13 ? bytes.dropLast() : bytes
        let text = String(decoding: bytes, as: UTF8.self)
        guard bytes.contains(where: { $0 == 8 || $0 == 13 || $0 == 27 }) else { return text.visible }
        var line = TerminalLine()
        line.write(text.unicodeScalars[...])
        return line.text.visible
    }
}

/// A terminal with a single line and no colours.
private struct TerminalLine {
    /// The columns that a move can reach; text itself may be longer.
    private static let width = 4096
    private static let tab = 8
    private static let escape: Unicode.Scalar = "\u{1b}"
    private static let bell: Unicode.Scalar = "\u{7}"

    /// One scalar with its combining marks for each column.
    private var cells: [String] = []
    private var column = 0

    var text: String { cells.joined() }

    mutating func write(_ text: Substring.UnicodeScalarView) {
        var rest = text
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\r": column = 0
            case "\u{8}": column = max(0, column - 1)
            case "\t": move(to: (column / Self.tab + 1) * Self.tab)
            case Self.escape: sequence(&rest)
            default: put(scalar)
            }
        }
    }

    private mutating func put(_ scalar: Unicode.Scalar) {
        if scalar.isCombining, (1...cells.count).contains(column) {
            cells[column - 1].unicodeScalars.append(scalar)
            return
        }
        while cells.count < column { cells.append(" ") }
        if column < cells.count { cells[column] = String(scalar) } else { cells.append(String(scalar)) }
        column += 1
    }

    private mutating func move(to column: Int) { self.column = max(0, min(column, max(cells.count, Self.width))) }

    /// Reads the sequence after ESC (ECMA-48); one that doesn't end in its line is shown as text.
    private mutating func sequence(_ rest: inout Substring.UnicodeScalarView) {
        let kind = rest.first
        switch kind {
        case "[": control(&rest)
        case "]", "P", "X", "^", "_": string(&rest)
        default:
            let end = rest.drop { (0x20...0x2f).contains($0.value) }
            guard let final = end.first, (0x30...0x7e).contains(final.value) else { return put(Self.escape) }
            rest = end.dropFirst()
        }
    }

    /// Reads a CSI sequence: `[`, parameters, intermediates, final.
    private mutating func control(_ rest: inout Substring.UnicodeScalarView) {
        let body = rest.dropFirst()
        let parameters = body.prefix { (0x30...0x3f).contains($0.value) }
        let end = body[parameters.endIndex...].drop { (0x20...0x2f).contains($0.value) }
        guard let final = end.first, (0x40...0x7e).contains(final.value) else { return put(Self.escape) }
        rest = end.dropFirst()
        apply(final, Int(String(parameters)))
    }

    private mutating func apply(_ final: Unicode.Scalar, _ parameter: Int?) {
        let count = min(max(1, parameter ?? 1), Self.width)
        switch final {
        case "C": move(to: column + count)
        case "D": move(to: column - count)
        case "G": move(to: count - 1)
        case "K": erase(parameter ?? 0)
        case "J" where parameter == 2: erase(2)
        default: return
        }
    }

    private mutating func erase(_ part: Int) {
        switch part {
        case 0: cells.removeSubrange(min(column, cells.count)...)
        case 1: for index in 0..<min(column + 1, cells.count) { cells[index] = " " }
        default: cells = []
        }
    }

    /// Reads an OSC, DCS or similar string, which ends with BEL or ESC `\`.
    private mutating func string(_ rest: inout Substring.UnicodeScalarView) {
        guard let end = rest.firstIndex(where: { $0 == Self.bell || $0 == Self.escape }) else {
            return put(Self.escape)
        }
        let tail = rest[rest.index(after: end)...]
        guard rest[end] == Self.escape else { return rest = tail }
        guard tail.first == "\\" else { return put(Self.escape) }
        rest = tail.dropFirst()
    }
}

extension Unicode.Scalar {
    /// True for a mark that shares the cell of the scalar before it.
    fileprivate var isCombining: Bool {
        guard value >= 0x300 else { return false }
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .spacingMark: return true
        default: return value == 0x200d
        }
    }
}

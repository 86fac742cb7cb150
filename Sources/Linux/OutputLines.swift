// The lines that a terminal would show of a program's output, as plain text.
//
//     bytes ──► lines at \n ──► one line of cells: \r, \b, tabs, erasing, moving within the line ──► visible text
//
// A progress bar that redraws itself after \r ends as its last state. Colours and titles are left out, and moves that
// would leave the line do nothing, so a program can neither change what others wrote nor hide what it wrote itself in an
// escape sequence that never ends.

/// Cuts output into lines, whatever pieces it comes in.
public struct OutputLines: Sendable {
    /// The bytes that a line may have; a longer one is cut.
    private static let limit = 64 << 10
    private var rest: [UInt8] = []

    /// No output yet.
    public init() {}

    /// Takes a piece of output; the lines that it completes.
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

    /// The line that has no end yet, if there is one.
    public mutating func finish() -> String? {
        defer { rest = [] }
        return rest.isEmpty ? nil : Self.line(rest[...])
    }

    /// All of an output, each line with a newline.
    public static func text(_ bytes: some Sequence<UInt8>) -> String {
        var lines = OutputLines()
        let whole = lines.add(bytes)
        return (whole + [lines.finish()].compactMap(\.self)).map { $0 + "\n" }.joined()
    }

    /// Makes room: what was overwritten after `\r` goes; a line without `\r` is cut.
    private mutating func shortened() -> [String] {
        if let last = rest.dropLast().lastIndex(of: 13), rest.count - last <= Self.limit {
            rest.removeFirst(last + 1)
            return []
        }
        return finish().map { [$0] } ?? []
    }

    /// One line of output, without its newline, as it looks in the end.
    public static func line(_ bytes: ArraySlice<UInt8>) -> String {
        let bytes = bytes.last == 13 ? bytes.dropLast() : bytes
        let text = String(decoding: bytes, as: UTF8.self)
        guard bytes.contains(where: { $0 == 8 || $0 == 13 || $0 == 27 }) else { return text.visible }
        var line = LineScreen()
        line.write(text.unicodeScalars[...])
        return line.text.visible
    }
}

/// The only line of a terminal without colours.
private struct LineScreen {
    /// Columns that a move can reach; text itself may be longer.
    private static let width = 4096
    private static let tab = 8
    private static let escape: Unicode.Scalar = "\u{1b}"
    private static let bell: Unicode.Scalar = "\u{7}"

    /// A scalar with the marks that combine with it, by column.
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

    /// Reads what follows ESC (ECMA-48). A sequence that doesn't end in its line is shown as text.
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

    /// CSI: `[`, parameters, intermediates, final.
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

    /// OSC, DCS and the like: up to BEL or ESC `\`.
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
    /// True for a mark that stands in the cell of the scalar before it.
    fileprivate var isCombining: Bool {
        guard value >= 0x300 else { return false }
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .spacingMark: return true
        default: return value == 0x200d
        }
    }
}

/// One instruction's text with its continuation lines joined, and the position of every byte.
struct LogicalLine {
    /// The joined text, without leading blanks of the first line, escapes at line ends and comments.
    var bytes: [UInt8] = []
    /// The start of each run of bytes of one physical line: the offset in `bytes`, and the position in the file.
    private var segments: [(offset: Int, position: Position)] = []
    var lines: ClosedRange<Int>
    var emptyContinuations: [Int] = []

    init(line: Int) { lines = line...line }

    /// Makes a line that is not part of the file, such as an ONBUILD trigger.
    init(_ bytes: [UInt8], at position: Position) {
        self.bytes = bytes
        lines = position.line...position.line
        segments = [(0, position)]
    }

    mutating func append(_ slice: ArraySlice<UInt8>, at position: Position) {
        segments.append((bytes.count, position))
        bytes += slice
    }

    /// Returns the position in the file of the byte at `offset`.
    func position(at offset: Int) -> Position {
        var low = 0
        var high = segments.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if segments[middle].offset <= offset { low = middle } else { high = middle }
        }
        guard low < segments.count else { return Position(line: lines.lowerBound, column: 1) }
        let segment = segments[low]
        return Position(line: segment.position.line, column: segment.position.column + offset - segment.offset)
    }
}

/// The lexer: splits a file into physical lines and joins them into logical lines.
struct Lexer {
    static let longestLine = 65_535

    let bytes: [UInt8]
    var escape = Ascii.backslash
    private var next: Int
    /// The number of the last physical line that was read.
    private(set) var line = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        next = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    }

    /// Makes a lexer that continues at `offset`, the start of the line after line `line`.
    init(_ bytes: [UInt8], from offset: Int, after line: Int) {
        self.bytes = bytes
        next = offset
        self.line = line
    }

    var isAtEnd: Bool { next >= bytes.count }

    /// Reads the next physical line with its line end; returns nil at the end of the file.
    mutating func physicalLine() throws(Diagnostic) -> Range<Int>? {
        guard next < bytes.count else { return nil }
        let start = next
        line += 1
        next = (bytes[start...].firstIndex(of: Ascii.newline) ?? bytes.count - 1) + 1
        let end = bytes[next - 1] == Ascii.newline ? next - 1 : next
        guard end - start <= Self.longestLine else {
            let message = "dockerfile line greater than max allowed size of \(Self.longestLine)"
            throw Diagnostic(Position(line: line, column: Self.longestLine + 1), message)
        }
        return start..<next
    }

    /// Returns the range without the line end.
    func content(of range: Range<Int>) -> Range<Int> {
        var end = range.upperBound
        while end > range.lowerBound, bytes[end - 1] == Ascii.newline || bytes[end - 1] == Ascii.carriageReturn {
            end -= 1
        }
        return range.lowerBound..<end
    }

    /// Returns the index of the first byte that isn't blank, or the end of the range.
    func firstInk(of range: Range<Int>) -> Int {
        bytes[range].firstIndex { !$0.isBlank } ?? range.upperBound
    }

    func isComment(_ range: Range<Int>) -> Bool {
        let ink = firstInk(of: range)
        return ink < range.upperBound && bytes[ink] == Ascii.hash
    }

    /// Joins `first`, which is neither a comment nor empty, with the lines that continue it.
    mutating func logicalLine(startingWith first: Range<Int>) throws(Diagnostic) -> LogicalLine {
        var result = LogicalLine(line: line)
        let ink = firstInk(of: first)
        var (text, continues) = splitContinuation(ink..<first.upperBound)
        result.append(bytes[text], at: Position(line: line, column: ink - first.lowerBound + 1))
        while continues, let raw = try physicalLine() {
            let range = content(of: raw)
            result.lines = result.lines.lowerBound...line
            if isComment(range) { continue }
            if firstInk(of: range) == range.upperBound {
                result.emptyContinuations.append(line)
                continue
            }
            (text, continues) = splitContinuation(range)
            result.append(bytes[text], at: Position(line: line, column: 1))
        }
        return result
    }

    /// Removes a trailing escape with the blanks after it; a doubled escape doesn't continue a line.
    private func splitContinuation(_ range: Range<Int>) -> (text: Range<Int>, continues: Bool) {
        var end = range.upperBound
        while end > range.lowerBound, bytes[end - 1] == Ascii.space || bytes[end - 1] == Ascii.tab { end -= 1 }
        guard end > range.lowerBound, bytes[end - 1] == escape else { return (range, false) }
        let isDoubled = end - 2 >= range.lowerBound && bytes[end - 2] == escape
        return isDoubled ? (range, false) : (range.lowerBound..<end - 1, true)
    }
}

// Text for people: numbers with units, and columns.

internal import Linux

/// Formats a number with `digits` decimals; 0 for a value that is not finite or too large.
func decimal(_ value: Double, digits: Int) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "0" }
    let scale = (0..<digits).reduce(Int64(1)) { scale, _ in scale * 10 }
    let scaled = Int64((abs(value) * Double(scale)).rounded())
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard digits > 0 else { return "\(sign)\(scaled)" }
    let fraction = String(scaled % scale)
    return "\(sign)\(scaled / scale)." + String(repeating: "0", count: digits - fraction.count) + fraction
}

/// Formats a fraction as a percentage: `97.3 %`.
func percent(_ part: Double) -> String { "\(decimal(part * 100, digits: 1)) %" }

/// Formats a number in groups of three digits: `20,000`.
func grouped(_ number: Int) -> String {
    let digits = Array(String(number.magnitude))
    var text = ""
    for (index, digit) in digits.enumerated() {
        if index > 0, (digits.count - index) % 3 == 0 { text += "," }
        text.append(digit)
    }
    return (number < 0 ? "-" : "") + text
}

/// Formats a count with its noun: `1 file`, `20 files`.
func counted(_ number: Int, _ noun: String) -> String { "\(grouped(number)) \(noun)\(number == 1 ? "" : "s")" }

/// Returns `text` in at most `limit` characters, its end cut off.
func truncated(_ text: String, to limit: Int) -> String {
    text.count <= limit ? text : String(text.prefix(limit - 1)) + "…"
}

/// Returns `text` in at most `limit` characters, its middle cut out: both ends of a path are informative.
func abbreviated(_ text: String, to limit: Int) -> String {
    guard text.count > limit else { return text }
    let head = (limit - 1) / 3
    return String(text.prefix(head)) + "…" + String(text.suffix(limit - 1 - head))
}

/// Breaks `text` between words into lines of at most `width` characters, each after `indentation`.
func wrapped(_ text: String, width: Int, indentation: String) -> String {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
        if !line.isEmpty, indentation.count + line.count + 1 + word.count > width {
            lines.append(indentation + line)
            line = ""
        }
        line += (line.isEmpty ? "" : " ") + word
    }
    if !line.isEmpty { lines.append(indentation + line) }
    return lines.map { $0 + "\n" }.joined()
}

/// Columns of text: numbers to the right, words to the left, two blanks between.
struct TextTable {
    struct Column {
        let title: String
        let limit: Int?
        let isNumber: Bool

        init(_ title: String, limit: Int? = nil, isNumber: Bool = false) {
            (self.title, self.limit, self.isNumber) = (title, limit, isNumber)
        }
    }

    private let columns: [Column]
    private let indentation: String
    private var rows: [[String]]

    init(_ columns: [Column], indentation: String = "") {
        self.columns = columns
        self.indentation = indentation
        rows = [columns.map(\.title)]
    }

    /// Adds a row of as many cells as there are columns; makes cells printable and cuts them.
    mutating func add(_ cells: [String]) {
        rows.append(
            zip(columns, cells).map { column, cell in
                let text = cell.visibleLine
                return column.limit.map { truncated(text, to: $0) } ?? text
            })
    }

    var text: String {
        let widths = columns.indices.map { index in rows.map { $0[index].count }.max() ?? 0 }
        return rows.map { row in
            let cells = row.indices.map { index in
                let blanks = String(repeating: " ", count: widths[index] - row[index].count)
                return columns[index].isNumber ? blanks + row[index] : row[index] + blanks
            }
            var line = indentation + cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}

/// Durations in Go's format: `1h30m`, `1.5s`, `300ms`.
enum GoDuration {
    private static let units: [(String, Double)] = [
        ("ns", 1), ("us", 1e3), ("µs", 1e3), ("μs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9),
    ]

    /// Parses a duration in nanoseconds; returns nil for text that isn't a duration.
    static func nanoseconds(_ text: String) -> Int64? {
        var rest = text.utf8[...]
        let isNegative = rest.first == Ascii.dash
        if isNegative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        if rest.elementsEqual("0".utf8) { return 0 }
        guard !rest.isEmpty else { return nil }
        var total = 0.0
        while !rest.isEmpty {
            let number = rest.prefix { $0.isDigit || $0 == Ascii.dot }
            rest = rest.dropFirst(number.count)
            let unit = rest.prefix { !($0.isDigit || $0 == Ascii.dot) }
            rest = rest.dropFirst(unit.count)
            guard let value = decimal(number.text), let scale = units.first(where: { $0.0 == unit.text })?.1 else {
                return nil
            }
            total += value * scale
        }
        guard total < 9.2e18 else { return nil }
        return Int64(total + 0.5) * (isNegative ? -1 : 1)
    }

    /// Parses digits with at most one dot and at least one digit.
    private static func decimal(_ text: String) -> Double? {
        guard text.utf8.contains(where: \.isDigit), text.utf8.count(where: { $0 == Ascii.dot }) <= 1 else { return nil }
        let padded = (text.utf8.first == Ascii.dot ? "0" : "") + text + (text.utf8.last == Ascii.dot ? "0" : "")
        return Double(padded)
    }

    /// Formats a duration like Go, for history texts.
    static func text(_ nanoseconds: Int64) -> String {
        guard nanoseconds != 0 else { return "0s" }
        let sign = nanoseconds < 0 ? "-" : ""
        let value = nanoseconds.magnitude
        if value < 1000 { return "\(sign)\(value)ns" }
        if value < 1_000_000 { return sign + fraction(value, 1000) + "µs" }
        if value < 1_000_000_000 { return sign + fraction(value, 1_000_000) + "ms" }
        let minutes = value / 60_000_000_000
        let seconds = fraction(value % 60_000_000_000, 1_000_000_000) + "s"
        if minutes == 0 { return sign + seconds }
        return minutes < 60 ? "\(sign)\(minutes)m\(seconds)" : "\(sign)\(minutes / 60)h\(minutes % 60)m\(seconds)"
    }

    private static func fraction(_ value: UInt64, _ unit: UInt64) -> String {
        let rest = String(value % unit + unit).utf8.dropFirst().reversed().drop { $0 == UInt8(ascii: "0") }
        return rest.isEmpty ? "\(value / unit)" : "\(value / unit).\(Array(rest.reversed()).text)"
    }
}

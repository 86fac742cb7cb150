// Durations as text: measured ones for people, and settings in the format of options.

extension Duration {
    /// Parses a time such as `500ms`, `1.5s`, `1h30m` or `7d`, in Go's notation and with days; nil for other text.
    public init?(human text: String) {
        let factors: [Substring: Double] = ["ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86_400]
        var (seconds, rest) = (0.0, text[...])
        repeat {
            let digits = rest.prefix { $0.isNumber || $0 == "." }
            let unit = rest.dropFirst(digits.count).prefix(while: \.isLetter)
            guard let value = Double(digits), let factor = factors[unit] else { return nil }
            seconds += value * factor
            rest = rest.dropFirst(digits.count + unit.count)
        } while !rest.isEmpty
        // 3,000 years; more would overflow a sum with a clock.
        guard seconds < 1e11 else { return nil }
        self = .milliseconds(Int64((seconds * 1000).rounded()))
    }

    /// The length in milliseconds.
    public var inMilliseconds: Double { Double(components.seconds) * 1e3 + Double(components.attoseconds) / 1e15 }

    /// The length with three significant digits, for people: `0.42 ms`, `402 ms`, `1.34 s`, `20 s`, `2 min 5 s`.
    public var text: String { Self.text(milliseconds: inMilliseconds) }

    /// Formats a number of milliseconds with three significant digits; `0 ms` for one that is not finite.
    public static func text(milliseconds: Double) -> String {
        guard milliseconds.isFinite, abs(milliseconds) < 1e15 else { return "0 ms" }
        if milliseconds < 0 { return "-" + text(milliseconds: -milliseconds) }
        if milliseconds < 999.5 { return threeDigits(milliseconds) + " ms" }
        if milliseconds < 99_950 { return threeDigits(milliseconds / 1000) + " s" }
        let seconds = Int64((milliseconds / 1000).rounded())
        let parts =
            seconds < 3600
            ? [(seconds / 60, "min"), (seconds % 60, "s")] : [(seconds / 3600, "h"), (seconds / 60 % 60, "min")]
        return parts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: " ")
    }

    /// The length in the format of options, such as a time limit: `1h30m`, `10m`, `1.5s`.
    public var optionText: String {
        let milliseconds = components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
        let (minutes, rest) = milliseconds.quotientAndRemainder(dividingBy: 60_000)
        var parts = [(minutes / 60, "h"), (minutes % 60, "m")].filter { $0.0 > 0 }.map { "\($0.0)\($0.1)" }
        if rest > 0 || parts.isEmpty {
            parts.append(rest % 1000 == 0 ? "\(rest / 1000)s" : "\(Double(rest) / 1000)s")
        }
        return parts.joined()
    }

    /// Formats a number from 0 to 1000 with three significant digits, without zeros at the end of a fraction.
    private static func threeDigits(_ value: Double) -> String {
        let scale: Double = value < 9.995 ? 100 : value < 99.95 ? 10 : 1
        let rounded = (value * scale).rounded() / scale
        return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
    }
}

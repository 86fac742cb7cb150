/// A number of bytes with a unit in its text form: `60MB` is 60,000,000, `256MiB` is 268,435,456.
public struct ByteCount: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let bytes: Int64

    public init(_ bytes: Int64) { self.bytes = bytes }

    private static let units: [(suffix: String, factor: Int64)] = [
        ("kib", 1 << 10), ("mib", 1 << 20), ("gib", 1 << 30), ("tib", 1 << 40), ("kb", 1_000), ("mb", 1_000_000),
        ("gb", 1_000_000_000), ("tb", 1_000_000_000_000),
        ("k", 1 << 10), ("m", 1 << 20), ("g", 1 << 30), ("t", 1 << 40), ("b", 1), ("", 1),
    ]

    /// Parses a number with an optional fraction and an optional unit; returns nil for other text.
    ///
    /// The units are B, kB, MB, GB, TB, KiB, MiB, GiB and TiB. K, M, G and T alone are binary, as in Docker's memory
    /// options. Negative numbers are not allowed.
    public init?(_ text: String) {
        let lower = text.lowercased().filter { $0 != " " }
        let digits = lower.prefix { $0.isNumber || $0 == "." }
        guard let factor = Self.units.first(where: { $0.suffix == lower.dropFirst(digits.count) })?.factor,
            let value = Double(digits), value.isFinite, value >= 0, value * Double(factor) < 1e18
        else { return nil }
        bytes = Int64((value * Double(factor)).rounded())
    }

    /// The number with a decimal unit, like sizes in Docker's output: `12.3MB`.
    public var description: String {
        var value = Double(bytes)
        var unit = "B"
        for next in ["kB", "MB", "GB", "TB"] where abs(value) >= 1000 {
            value /= 1000
            unit = next
        }
        if unit == "B" { return "\(bytes)B" }
        let tenths = (value * 10).rounded() / 10
        return tenths >= 100 ? "\(Int(value.rounded()))\(unit)" : "\(tenths)\(unit)"
    }

    public static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }
}

extension Duration {
    /// Parses a time such as `500ms`, `1.5s`, `2m` or `1h`; returns nil for other text.
    public init?(human text: String) {
        let digits = text.prefix { $0.isNumber || $0 == "." }
        let factors: [Substring: Double] = ["ms": 1e-3, "s": 1, "m": 60, "h": 3600]
        guard let value = Double(digits), value.isFinite, value >= 0, value < 1e7,
            let factor = factors[text.dropFirst(digits.count)]
        else { return nil }
        self = .milliseconds(Int64((value * factor * 1000).rounded()))
    }
}

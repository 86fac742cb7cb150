/// A number of bytes with a unit in its text form: `60MB` is 60,000,000, `256MiB` is 268,435,456.
public struct ByteCount: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The number of bytes.
    public let bytes: Int64

    /// Makes a count of `bytes` bytes.
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

    /// The number with a decimal unit, like sizes in Docker's output: `999B`, `1.0kB`, `12.3MB`, `162MB`.
    ///
    /// The unit is chosen after rounding: 999,499 bytes are `999kB`, and 999,500 are `1.0MB`.
    public var description: String {
        guard bytes.magnitude >= 1000 else { return "\(bytes)B" }
        var value = Double(bytes.magnitude)
        var unit = "B"
        for next in ["kB", "MB", "GB", "TB", "PB", "EB"] where value.rounded() >= 1000 {
            value /= 1000
            unit = next
        }
        let number = value >= 99.95 ? "\(Int(value.rounded()))" : "\((value * 10).rounded() / 10)"
        return (bytes < 0 ? "-" : "") + number + unit
    }

    public static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }
}

import Linux
import Testing

/// Numbers of bytes as text: on screen, and in options and `thaw.toml`.
@Suite struct ByteCountTests {
    @Test(
        "Sizes have Docker's format, and the unit is chosen after rounding",
        arguments: [
            (Int64(0), "0B"), (999, "999B"), (1000, "1.0kB"), (99_949, "99.9kB"), (99_950, "100kB"),
            (999_499, "999kB"), (999_500, "1.0MB"), (999_960, "1.0MB"), (1_049_999, "1.0MB"), (12_345_678, "12.3MB"),
            (162_000_000, "162MB"), (999_999_999_999, "1.0TB"), (.max, "9.2EB"), (-1, "-1B"), (-999_960, "-1.0MB"),
            (.min, "-9.2EB"),
        ])
    func description(bytes: Int64, text: String) { #expect("\(ByteCount(bytes))" == text) }

    @Test(
        "Sizes have a number and a unit",
        arguments: [("0", 0), ("12", 12), ("1kB", 1000), ("1.5 MB", 1_500_000), ("2MiB", 2 << 20), ("1g", 1 << 30)])
    func parsing(text: String, bytes: Int64) { #expect(ByteCount(text)?.bytes == bytes) }

    @Test("Text that is not a size is refused", arguments: ["", "-1", "MB", "1XB", "1e3", "∞", "9999999999GB"])
    func noSizes(text: String) { #expect(ByteCount(text) == nil) }
}

import OCI
import Testing

@Suite("RFC 3339")
struct RFC3339Tests {
    @Test(
        "A time is formatted as it is parsed",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("1969-12-31T23:59:59Z", -1), ("2000-02-29T12:00:00Z", 951_825_600),
            ("2026-11-24T19:02:00Z", 1_795_546_920), ("0001-01-01T00:00:00Z", -62_135_596_800),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ])
    func both(text: String, seconds: Int64) {
        #expect(RFC3339.seconds(text) == seconds)
        #expect(seconds < 0 && text.hasPrefix("0") || RFC3339.text(seconds) == text)
    }

    @Test(
        "Fractions are dropped and offsets applied",
        arguments: [
            ("1970-01-01T00:00:01.999999999Z", 1), ("1970-01-01T01:00:00+01:00", 0), ("1969-12-31T19:00:00.5-05:00", 0),
        ])
    func forms(text: String, seconds: Int64) { #expect(RFC3339.seconds(text) == seconds) }

    @Test(
        "Another text is nil, and never traps",
        arguments: [
            "", "now", "2026", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00+",
            "2026-01-01T00:00:00+1",
            "2026-01-01T00:00:00Zzz", "2026-01-01T00:00:00.5",
            "\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
        ])
    func refused(text: String) { #expect(RFC3339.seconds(text) == nil) }
}

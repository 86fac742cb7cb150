import Linux
import Testing

/// Durations as text.
@Suite struct DurationTextTests {
    @Test(
        "Measured durations have three significant digits",
        arguments: [
            (0, "0 ms"), (0.004, "0 ms"), (0.42, "0.42 ms"), (4.2, "4.2 ms"), (9.996, "10 ms"), (42.06, "42.1 ms"),
            (402.4, "402 ms"), (999.4, "999 ms"), (999.6, "1 s"), (1340, "1.34 s"), (4298.9, "4.3 s"), (30_000, "30 s"),
            (99_949, "99.9 s"), (99_960, "1 min 40 s"), (125_000, "2 min 5 s"), (600_000, "10 min"),
            (3_780_000, "1 h 3 min"), (-40, "-40 ms"), (Double.nan, "0 ms"), (.infinity, "0 ms"),
        ])
    func text(milliseconds: Double, text: String) { #expect(Duration.text(milliseconds: milliseconds) == text) }

    @Test(
        "Settings keep the format of options",
        arguments: [
            (.seconds(600), "10m"), (.seconds(5_400), "1h30m"), (.seconds(90), "1m30s"), (.milliseconds(1_500), "1.5s"),
            (.seconds(3_600), "1h"), (.milliseconds(20), "0.02s"), (.seconds(86_461), "24h1m1s"), (.seconds(2), "2s"),
            (.zero, "0s"),
        ] as [(Duration, String)])
    func optionText(duration: Duration, text: String) { #expect(duration.optionText == text) }

    @Test(
        "A time is one or more numbers, each with a unit",
        arguments: [
            ("500ms", 500), ("1.5s", 1500), ("2m", 120_000), ("1h", 3_600_000), ("", nil), ("5", nil), ("-1s", nil),
            ("1h30m", 5_400_000), ("7d", 604_800_000), ("1m0.5s", 60_500), ("1h30", nil), ("h", nil), ("1e3s", nil),
            ("1 h", nil), ("9999999999999d", nil),
        ])
    func parsing(text: String, milliseconds: Int64?) {
        #expect(Duration(human: text) == milliseconds.map { .milliseconds($0) })
    }
}

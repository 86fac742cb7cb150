import Testing

@testable import ColdStart

@Suite("Statistics and budgets")
struct FiguresTests {
    @Test("Median, p95, minimum and maximum come from the samples")
    func statistics() throws {
        let even = try #require(Statistics([4, 1, 3, 2]))
        #expect((even.median, even.p95, even.minimum, even.maximum) == (2.5, 4, 1, 4))
        let twenty = try #require(Statistics((1...20).map(Double.init).shuffled()))
        #expect((twenty.p95, twenty.spread) == (19, 19 / 10.5))
        let hundred = try #require(Statistics((1...100).map(Double.init)))
        #expect(hundred.p95 == 95)
        #expect(try #require(Statistics([7])).p95 == 7)
        #expect(Statistics([]) == nil)
    }

    @Test("A figure equal to its budget holds, a larger one does not, and a missing one is reported")
    func judge() {
        let budgets = [
            Budget(.size, atMost: 50e6), Budget(.layers, atMost: 3), Budget(.timeToFirstRequestMs, atMost: 100),
            Budget(.wastedPercent, atMost: 0), Budget(.guestInstructions, atMost: 1),
            Budget(.compressedSize, atMost: 9),
        ]
        let judgement = Budget.evaluate(
            budgets,
            by: [
                .size: 61.2e6, .layers: 3, .timeToFirstRequestMs: 100.04, .wastedPercent: 12.34, .compressedSize: .nan,
            ])
        #expect(
            judgement.violations.map(\.description) == [
                "size is 61.2 MB, 11.2 MB over its budget of 50.0 MB",
                "time to first request is 100.0 ms, 0.0 ms over its budget of 100.0 ms",
                "share of waste is 12.3 %, 12.3 % over its budget of 0.0 %",
            ])
        #expect(judgement.violations.first?.excess == 11.2e6)
        #expect(judgement.unmeasured == [.guestInstructions, .compressedSize])
    }

    @Test("Figures are formatted with a suitable unit")
    func units() {
        #expect(BudgetMetric.size.text(999) == "999 bytes")
        #expect(BudgetMetric.size.text(1_500) == "1.5 kB")
        #expect(BudgetMetric.wastedBytes.text(2.25e9) == "2.3 GB")
        #expect(BudgetMetric.layers.text(7) == "7")
        #expect(BudgetMetric.guestInstructions.text(1e300) == "1e+300")
    }
}

import Testing

@testable import ColdStart

@Suite("Statistics")
struct FiguresTests {
    @Test("Median, p95, minimum and maximum come from the samples")
    func statistics() throws {
        let even = try #require(Statistics([4, 1, 3, 2]))
        #expect((even.median, even.p95, even.minimum, even.maximum) == (2.5, nil, 1, 4))
        #expect((even.medianRun, even.samples[even.medianRun]) == (3, 2))
        let twenty = try #require(Statistics((1...20).map(Double.init).shuffled()))
        #expect((twenty.p95, twenty.spread) == (19, 19 / 10.5))
        let hundred = try #require(Statistics((1...100).map(Double.init)))
        #expect(hundred.p95 == 95)
        #expect(try #require(Statistics((1...19).map(Double.init))).p95 == nil)
        #expect(Statistics([]) == nil)
    }
}

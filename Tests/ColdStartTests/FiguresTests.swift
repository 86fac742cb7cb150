import Testing

@testable import ColdStart

@Suite("Statistics")
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
}

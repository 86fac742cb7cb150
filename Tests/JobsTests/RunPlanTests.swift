import ColdStart
import Synchronization
import Testing

@testable import Jobs

/// The number and the order of starts.
@Suite struct RunPlanTests {
    @Test("Two images are started in turns A B B A, after a start of each that is not measured")
    func order() async throws {
        var starts: [String] = []
        let plan = RunPlan(runs: 4, budget: nil, isCounted: false)
        let measured = try await plan.measure(2) { index, earlierRuns in
            starts.append("\(index == 0 ? "A" : "B")\(earlierRuns)")
            return try .fakeEmulated([Double(starts.count)], isCounted: false)
        }
        #expect(starts == ["A0", "B0", "A0", "B0", "B1", "A1", "A2", "B2", "B3", "A3"])
        #expect(measured.map(\.timeToFirstRequest.samples) == [[3, 6, 7, 10], [4, 5, 8, 9]])
    }

    @Test("One start, and counted starts, need no warm-up")
    func withoutWarmUp() {
        #expect(!RunPlan(runs: nil, budget: nil, isCounted: false).hasWarmUp)
        #expect(!RunPlan(runs: 5, budget: nil, isCounted: true).hasWarmUp)
        #expect(RunPlan(runs: nil, budget: .seconds(60), isCounted: false).hasWarmUp)
    }

    @Test("A budget allows at least one start, and then as many as it has time for")
    func budget() {
        let plan = RunPlan(runs: nil, budget: .seconds(60), isCounted: false)
        #expect(plan.allowsRound(0, elapsed: .seconds(70), longest: .zero))
        #expect(plan.allowsRound(9, elapsed: .seconds(50), longest: .seconds(10)))
        #expect(!plan.allowsRound(9, elapsed: .seconds(51), longest: .seconds(10)))
        let limited = RunPlan(runs: 2, budget: .seconds(60), isCounted: false)
        #expect(!limited.allowsRound(2, elapsed: .zero, longest: .zero))
        #expect(RunPlan(runs: nil, budget: .seconds(60), isCounted: true).limit == 3)
    }
}

import Testing

@testable import Build

/// The order of stages, and the release of their results.
@Suite("Schedule of stages")
struct StageScheduleTests {
    /// Runs all stages one after the other; returns the order, and the maximum number of kept results.
    private static func run(_ dependencies: [Int: Set<Int>], target: Int) -> (order: [Int], mostKept: Int) {
        var schedule = StageSchedule(Array(dependencies.keys), dependencies, target: target)
        var (order, kept, most) = ([Int](), Set<Int>(), 0)
        while let stage = schedule.start() {
            #expect(dependencies[stage, default: []].isSubset(of: kept), "\(stage) starts without its inputs")
            kept.subtract(schedule.releases(for: stage))
            order.append(stage)
            kept.insert(stage)
            most = max(most, kept.count)
            schedule.end(stage)
        }
        #expect(kept.contains(target))
        return (order, most)
    }

    @Test("Stages start in the order of the file if their inputs are ready")
    func order() {
        #expect(Self.run([0: [], 1: [], 2: [0], 3: [1, 2], 4: [0]], target: 3).order == [0, 1, 2, 3, 4])
        #expect(Self.run([0: [3], 1: [], 2: [], 3: [1]], target: 0).order == [1, 2, 3, 0])
    }

    @Test("In a chain of 20,000 stages at most two results are kept")
    func chain() {
        let dependencies = Dictionary(uniqueKeysWithValues: (0..<20_000).map { ($0, $0 == 0 ? [] : Set([$0 - 1])) })
        let (order, mostKept) = Self.run(dependencies, target: 19_999)
        #expect(order == Array(0..<20_000))
        #expect(mostKept <= 2)
    }

    @Test("A result is kept until its last reader starts, and the target's until the end")
    func kept() {
        var schedule = StageSchedule([0, 1, 2], [0: [], 1: [0], 2: [0, 1]], target: 1)
        #expect(schedule.start() == 0)
        schedule.end(0)
        #expect(schedule.start() == 1)
        #expect(schedule.releases(for: 1) == [])
        schedule.end(1)
        #expect(schedule.start() == 2)
        #expect(schedule.releases(for: 2) == [0])
    }

    @Test("Stages that wait for each other never start")
    func cycle() {
        var schedule = StageSchedule([0, 1, 2], [0: [1], 1: [0], 2: []], target: 2)
        #expect(schedule.start() == 2)
        schedule.end(2)
        #expect(schedule.start() == nil)
    }
}

/// The order of stages: each starts when the stages that it reads have finished.
///
/// A result is dropped after its last reader has started. The cost is linear in the stages and their dependencies.
struct StageSchedule {
    private let dependencies: [Int: Set<Int>]
    private var readers: [Int: [Int]] = [:]
    private var missing: [Int: Int] = [:]
    private var users: [Int: Int] = [:]
    /// The stages that can start, the next one last.
    private var ready: [Int] = []

    /// The schedule of `stages`, whose result `target` is kept.
    init(_ stages: [Int], _ dependencies: [Int: Set<Int>], target: Int) {
        self.dependencies = dependencies
        for stage in stages {
            let inputs = dependencies[stage, default: []]
            missing[stage] = inputs.count
            if inputs.isEmpty { ready.append(stage) }
            for input in inputs {
                readers[input, default: []].append(stage)
                users[input, default: 0] += 1
            }
        }
        users[target, default: 0] += 1
        ready.sort(by: >)
    }

    /// Returns the next stage in the order of the file that can start; nil if another one must finish first.
    mutating func start() -> Int? { ready.popLast() }

    /// Returns the results that no other stage reads, now that `stage` has its inputs.
    mutating func releases(for stage: Int) -> Set<Int> {
        dependencies[stage, default: []].filter { input in
            users[input, default: 0] -= 1
            return users[input] == 0
        }
    }

    /// Marks a stage as finished, so that its readers can start.
    mutating func end(_ stage: Int) {
        for reader in readers[stage, default: []] {
            missing[reader, default: 0] -= 1
            if missing[reader] == 0 { insert(reader) }
        }
    }

    private mutating func insert(_ stage: Int) {
        var (low, high) = (0, ready.count)
        while low < high {
            let middle = (low + high) / 2
            if ready[middle] > stage { low = middle + 1 } else { high = middle }
        }
        ready.insert(stage, at: low)
    }
}

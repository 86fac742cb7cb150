// A scenario's memory, processors and processes as limits of a container.

internal import Linux
internal import Sandbox

/// The limits that make a container like the machine of a scenario.
struct ContainerLimits {
    private let memory: Int64?
    private let processes: Int?
    private let cpus: CPULimits
    /// Sentences for people about limits that are enforced by weaker means than a control group.
    let notes: [String]

    /// - Throws: ``UnenforcedLimit`` if a requested limit can't be enforced here.
    init(_ scenario: Scenario) throws {
        var cpus = CPULimits()
        let allowed = try CPUSet.allowed()
        guard cpus.limit(to: Double(scenario.processors), of: allowed) else {
            throw ColdStartError.limitNotKept(
                "\(scenario.processors) processors are requested, but this machine has \(allowed.numbers.count)")
        }
        var command = Command([])
        (command.memoryLimit, command.cpus) = (Int64(clamping: scenario.memoryBytes), cpus)
        command.processLimit = scenario.processLimit
        var unenforced = try Container.unenforcedLimits(of: command)
        if let limit = unenforced.first(where: { $0.substitute == nil }) { throw limit }
        let hasMemoryGroup = !unenforced.contains { $0.limit == .memory }
        if !scenario.isMemoryRequested { unenforced.removeAll { $0.limit == .memory } }
        memory = hasMemoryGroup || scenario.isMemoryRequested ? command.memoryLimit : nil
        (processes, self.cpus) = (scenario.processLimit, cpus)
        notes = unenforced.map(\.description)
    }

    func apply(to command: inout Command) {
        (command.memoryLimit, command.processLimit, command.cpus) = (memory, processes, cpus)
        command.hideOtherCPUs()
    }
}

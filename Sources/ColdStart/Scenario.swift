/// What is started, with how much machine, and when it counts as serving.
public struct Scenario: Sendable {
    /// The entrypoint and its arguments.
    public var arguments: [String]
    /// `NAME=value`, as an image's configuration has them.
    public var environment: [String]
    /// Where the entrypoint starts.
    public var workingDirectory: String
    /// `user[:group]` by name or number as an image's configuration has it; empty means root.
    public var user: String
    /// The host name inside.
    public var hostname: String
    /// What proves that the image serves.
    public var probe: Probe
    /// The machine's memory.
    public var memoryBytes: UInt64
    /// The machine's processors.
    public var processors: Int
    /// True if somebody asked for this memory: then a container is held to it also by weaker means than a control group.
    public var isMemoryRequested = false
    /// How many processes and threads the image may have at once, for the container engine; nil for no limit.
    public var processLimit: Int?
    /// How long the probe may take, from the moment init runs.
    public var timeout: Duration
    /// How many times it is started and measured.
    public var runs: Int
    /// What it is asked once it serves, where somebody wants more than to measure its start.
    public var interview: Interview?
    /// Told after each run what its console showed, also after one that failed.
    public var whenOver: @Sendable (Console) -> Void = { _ in }

    /// A scenario; what is left out is what a small machine and Docker would use.
    public init(
        arguments: [String], environment: [String] = [], workingDirectory: String = "/", user: String = "",
        hostname: String = "thaw", probe: Probe, memoryBytes: UInt64 = 512 << 20, processors: Int = 1,
        timeout: Duration = .seconds(60), runs: Int = 1
    ) {
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.user = user
        self.hostname = hostname
        self.probe = probe
        self.memoryBytes = memoryBytes
        self.processors = processors
        self.timeout = timeout
        self.runs = runs
    }

    /// Refuses what no engine can run.
    func validate() throws(ColdStartError) {
        guard let program = arguments.first, !program.isEmpty else { throw .noEntrypoint }
        for text in arguments + environment + [workingDirectory, user, hostname] where text.utf8.contains(0) {
            throw .impossibleScenario("a zero byte in '\(text.prefix { $0 != "\0" })' cannot be passed to a program")
        }
        guard runs >= 1 else { throw .impossibleScenario("\(runs) runs measure nothing") }
        guard (1...64).contains(processors) else {
            throw .impossibleScenario("\(processors) processors are not from 1 to 64")
        }
        guard memoryBytes >= Scenario.leastMemory else {
            throw .impossibleScenario("Linux does not start in less than \(Scenario.leastMemory >> 20) MiB")
        }
        guard memoryBytes <= Scenario.mostMemory else {
            throw .impossibleScenario("a guest has at most \(Scenario.mostMemory >> 40) TiB of memory")
        }
        guard timeout > .zero, timeout <= .seconds(86_400) else {
            throw .impossibleScenario("a timeout is more than nothing and at most a day")
        }
        if let interview { try interview.validate() }
        guard !hostname.isEmpty, hostname.utf8.count <= 64 else {
            throw .impossibleScenario("a host name has 1 to 64 bytes")
        }
    }

    /// How long init may take at most for all that it does.
    var patience: Duration { timeout * (1 + (interview?.asked.count ?? 0)) }

    private static let leastMemory: UInt64 = 96 << 20
    /// What every engine can address; none of its memory is taken before the guest uses it.
    private static let mostMemory: UInt64 = 1 << 40
}

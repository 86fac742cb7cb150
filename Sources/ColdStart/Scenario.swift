internal import Guest
public import Probe

/// The program to start, its machine, and its probe.
public struct Scenario: Sendable {
    /// The entrypoint and its arguments.
    public var arguments: [String]
    /// `NAME=value` strings, as in an image's configuration.
    public var environment: [String]
    /// The entrypoint's working directory.
    public var workingDirectory: String
    /// `user[:group]` by name or number as in an image's configuration; empty means root.
    public var user: String
    /// The host name inside.
    public var hostname: String
    /// The check that the image serves.
    public var probe: ProbeAction
    /// The machine's memory in bytes.
    public var memoryBytes: UInt64
    /// The number of the machine's processors.
    public var processors: Int
    /// True if the user requested this memory: a container then enforces it also by weaker means than a control group.
    public var isMemoryRequested = false
    /// The maximum number of processes and threads in the image, for the container engine; `nil` for no limit.
    public var processLimit: Int?
    /// The time limit for the probe, from the start of init.
    public var timeout: Duration
    /// The number of measured starts.
    public var runs: Int
    /// The number of earlier runs; a deterministic machine takes its seed from it.
    public var earlierRuns = 0
    /// The probes and commands to run once it serves, if more than its start is of interest.
    public var probeSet: ProbeSet?
    /// True to send SIGTERM to the program after the probe has passed, and to time its end.
    public var checksTermination = false
    /// True to record the image's threads and opened files; this takes time, so such a run is not for comparisons.
    public var recordsStart = false
    /// Called after each run with its console's output, also after a failed one.
    public var onRunEnd: @Sendable (Console) -> Void = { _ in }

    /// A scenario; the defaults are those of a small machine and of Docker.
    public init(
        arguments: [String], environment: [String] = [], workingDirectory: String = "/", user: String = "",
        hostname: String = "thaw", probe: ProbeAction, memoryBytes: UInt64 = 512 << 20, processors: Int = 1,
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

    /// Fails for a scenario that no engine can run.
    func validate() throws(ColdStartError) {
        guard let program = arguments.first, !program.isEmpty else { throw .noEntrypoint }
        for text in arguments + environment + [workingDirectory, user, hostname] where text.utf8.contains(0) {
            throw .impossibleScenario("a zero byte in '\(text.prefix { $0 != "\0" })' cannot be passed to a program")
        }
        guard runs >= 1 else { throw .impossibleScenario("a measurement needs at least 1 run, not \(runs)") }
        guard (1...64).contains(processors) else {
            throw .impossibleScenario("the number of processors must be from 1 to 64, not \(processors)")
        }
        guard memoryBytes >= Scenario.leastMemory else {
            throw .impossibleScenario("a guest needs at least \(Scenario.leastMemory >> 20) MiB of memory")
        }
        guard memoryBytes <= Scenario.mostMemory else {
            throw .impossibleScenario("a guest is limited to \(Scenario.mostMemory >> 40) TiB of memory")
        }
        guard timeout > .zero, timeout <= .seconds(86_400) else {
            throw .impossibleScenario("the timeout must be more than zero and at most a day")
        }
        if let probeSet { try Scenario.validate(probeSet) }
        guard !hostname.isEmpty, hostname.utf8.count <= 64 else {
            throw .impossibleScenario("a host name must have 1 to 64 bytes")
        }
    }

    private static func validate(_ probeSet: ProbeSet) throws(ColdStartError) {
        guard !probeSet.actions.isEmpty else { throw .impossibleScenario("the set of probes is empty") }
        guard probeSet.actions.count <= BootSpec.probeLimit else {
            throw .impossibleScenario("more than \(BootSpec.probeLimit) probes and commands are not supported")
        }
        for case .exec(let words) in probeSet.actions {
            guard words.first?.isEmpty == false, !words.contains(where: { $0.contains(0) }) else {
                throw .impossibleScenario("a command needs a program name, and must not contain zero bytes")
            }
        }
    }

    /// The time limit for all that init does.
    var totalTimeout: Duration {
        timeout * (1 + (probeSet?.triedPlaces.count ?? 0)) + (probeSet?.settle.limit ?? .zero)
    }

    private static let leastMemory: UInt64 = 96 << 20
    /// The limit that every engine can address; memory is allocated only when the guest uses it.
    private static let mostMemory: UInt64 = 1 << 40
}

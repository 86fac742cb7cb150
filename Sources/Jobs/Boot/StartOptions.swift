public import ColdStart
public import Linux
public import Probe

/// The engine that starts images.
public enum EngineChoice: String, CaseIterable, Sendable {
    /// The first of the others that works here.
    case auto
    /// A microVM of thaw's own.
    case kvm
    /// QEMU's microVM.
    case qemu
    /// A container, without a boot.
    case container

    /// Parses a name of the command line or of `thaw.toml`; another one is a usage failure.
    public init(parsing text: String) throws {
        guard let choice = EngineChoice(rawValue: text) else {
            let names = EngineChoice.allCases.map(\.rawValue).joined(separator: ", ")
            throw Failure("engine '\(text)' is not one of \(names)", status: .usage)
        }
        self = choice
    }
}

/// The options of a start that a command was given; nil where `thaw.toml` or the default decides.
public struct StartOptions: Equatable, Sendable {
    /// The engine.
    public var engine: EngineChoice?
    /// The probe of readiness.
    public var probe: ProbeAction?
    /// Probes that must pass after it.
    public var furtherProbes: [ProbeAction] = []
    /// True if the probe is the image's HEALTHCHECK.
    public var usesHealthcheck = false
    /// The number of starts.
    public var runs: Int?
    /// The time for all starts; without a number of starts, as many as it allows.
    public var budget: Duration?
    /// True to count instructions instead of measuring time.
    public var isDeterministic = false
    /// The guest's kernel.
    public var kernel: KernelChoice?
    /// The memory of the machine, or the limit of the container.
    public var memory: ByteCount?
    /// The number of CPUs.
    public var cpus: Int?
    /// The limit of processes and threads.
    public var processLimit: Int?
    /// Variables of the program's environment, each as `NAME=VALUE`.
    public var environment: [String] = []
    /// The time limit for the probe to pass.
    public var timeout: Duration?
    /// The version of the program, for the fingerprint of a start.
    public var programVersion = ""
    /// The file that gets the console of the last start.
    public var console: String?
    /// The file that gets the events of a further start, for a trace viewer.
    public var timeline: String?
    /// The file that gets the processor time of a further start by file and function.
    public var profile: String?
    /// The Dockerfile of the image, for the lines of its layers in the profile.
    public var dockerfile: String?

    /// Makes options without any value.
    public init() {}

    /// Makes options of the command line's values, nil where it has none.
    public init(
        engine: String?, kernel: String?, memory: String?, cpus: Int?, processes: Int?, environment: [String],
        timeout: String?
    ) throws {
        self.engine = try engine.map(EngineChoice.init(parsing:))
        self.kernel = kernel.map(KernelChoice.init(parsing:))
        self.memory = try memory.map { ByteCount(try size($0, "--memory")) }
        self.timeout = try timeout.map { try RunLimit.time($0, "--timeout") }
        (self.cpus, processLimit, self.environment) = (cpus, processes, environment)
    }

    /// Sets the time for all starts.
    public mutating func set(budget text: String?) throws {
        budget = try text.map { try RunLimit.time($0, "--budget") }
    }

    /// Reads the texts of `--probe`, of which the first one is the probe of readiness.
    public mutating func add(probes texts: [String]) throws {
        usesHealthcheck = texts.first == "healthcheck"
        let actions = try texts.dropFirst(usesHealthcheck ? 1 : 0).map { try ProbeAction(parsing: $0) }
        (probe, furtherProbes) =
            usesHealthcheck ? (nil, actions) : (actions.first, Array(actions.dropFirst()))
        guard texts.count < 2 || actions.allSatisfy({ !$0.isPattern }) else {
            throw Failure("a log: probe can't be combined with other probes", status: .usage)
        }
    }
}

public import ColdStart
internal import Linux
public import OCI
public import Probe
public import Project
internal import Synchronization
internal import SystemPackage

/// The settings for starting images, the same for each image.
public struct BootJob: Sendable {
    /// The engine.
    public let choice: EngineChoice
    /// The probe of readiness.
    public let probe: ProbeAction
    private let kernel: KernelChoice
    private let runs: Int?
    private let budget: Duration?
    /// True if work is counted instead of time.
    public let isDeterministic: Bool
    private let memory: Int64
    private let processors: Int
    private let isMemoryRequested: Bool
    private let processLimit: Int?
    private let environment: [String]
    private let timeout: Duration
    private let console: String?
    private let host: any JobHost

    /// Combines the options with the project's file; an option takes precedence.
    ///
    /// - Parameter file: The contents of `thaw.toml`; nil for a command that does not read it.
    public init(_ options: StartOptions, _ file: ProjectFile?, host: any JobHost) throws {
        let project = file ?? ProjectFile()
        choice = try options.engine ?? project.boot.engine.map(EngineChoice.init(parsing:)) ?? .auto
        guard let probe = try options.probe ?? project.probe.map(ProbeAction.init(parsing:)) else {
            throw Failure(
                "a probe of the image's readiness is missing",
                remedy: "add --probe http:8080/" + (file == nil ? "" : " or [probe] in thaw.toml"), status: .usage)
        }
        self.probe = probe
        kernel = options.kernel ?? project.boot.kernel.map(KernelChoice.init(parsing:)) ?? .debian
        budget = options.budget
        runs = options.runs ?? (budget == nil ? project.boot.runs : nil)
        isDeterministic = options.isDeterministic
        memory = (options.memory ?? project.boot.memory)?.bytes ?? 512 << 20
        processors = options.cpus ?? project.boot.cpus ?? 1
        isMemoryRequested = options.memory != nil || project.boot.memory != nil
        processLimit = options.processLimit
        environment = project.boot.environment + options.environment
        timeout = options.timeout ?? project.probeTimeout ?? .seconds(60)
        console = options.console
        self.host = host
        try expectConsistent()
    }

    private func expectConsistent() throws {
        guard runs ?? 1 > 0, processors > 0, processLimit ?? 1 > 0 else {
            throw Failure("--runs, --cpus and --pids take positive numbers", status: .usage)
        }
        guard processLimit == nil || choice == .container else {
            throw Failure("--pids needs --engine container: a microVM has no limit of processes", status: .usage)
        }
        if let console { try FileDestination.expectWritable(FilePath(console), for: "--console") }
        if let wrong = environment.first(where: { $0.hasPrefix("=") || !$0.contains("=") }) {
            throw Failure("'\(wrong)' is not an environment variable of the form NAME=VALUE", status: .usage)
        }
    }
}

extension BootJob {
    /// Starts the image as many times as requested and measures each start.
    ///
    /// - Parameter options: Options of the engine kvm, the only engine that can do more than boot.
    public func measure(
        _ image: Image, in store: Store, options: MachineOptions = MachineOptions()
    ) async throws -> StartMeasurement {
        let measured = try await measure(
            [StartSubject(image)], in: store, isCounted: isDeterministic, options: options)
        return measured[0]
    }

    /// Starts two images in turns as many times as requested, and compares them.
    public func measurePair(
        _ before: StartSubject, _ after: StartSubject, in store: Store, isCounted: Bool
    ) async throws -> StartPair {
        let measured = try await measure([before, after], in: store, isCounted: isCounted, options: MachineOptions())
        return try StartPair(measured[0], measured[1])
    }

    private func measure(
        _ subjects: [StartSubject], in store: Store, isCounted: Bool, options: MachineOptions
    ) async throws -> [StartMeasurement] {
        let lastConsole = Mutex<Console?>(nil)
        let scenarios = subjects.map { subject in
            var scenario = scenario(of: subject.image)
            scenario.onRunEnd = { console in lastConsole.withLock { $0 = console } }
            return scenario
        }
        let plan = RunPlan(runs: runs, budget: budget, isCounted: isCounted)
        do {
            let measured = try await engines(store, isCounted: isCounted).prepare(
                choice, subjects, options: options
            ) { starters in
                // The engine itself repeats a start that saves, resumes or keeps a machine.
                guard options.isPlainBoot else { return [try await starters[0](scenarios[0])] }
                return try await plan.measure(subjects.count) { index, earlierRuns in
                    var scenario = scenarios[index]
                    (scenario.runs, scenario.earlierRuns) = (1, earlierRuns)
                    return try await starters[index](scenario)
                }
            }
            try keepConsole(lastConsole.withLock { $0 })
            return measured
        } catch let error as ColdStartError {
            guard let lastConsole = lastConsole.withLock({ $0 }), error != .cancelled else { throw error }
            // The start's failure is reported, not that of writing the console.
            let isKept = (try? keepConsole(lastConsole)) != nil
            throw Failure(error, lastLines: lastConsole.lastLines(6), console: isKept ? console : nil)
        }
    }

    /// Starts the image once and runs the probes of `probeSet` instead of a measurement.
    public func runProbes(
        _ image: Image, tree: FileTree?, _ probeSet: ProbeSet, in store: Store
    ) async throws -> StartMeasurement {
        var scenario = scenario(of: image)
        (scenario.probeSet, scenario.runs) = (probeSet, 1)
        scenario.probe = probeSet.readinessProbe ?? scenario.probe
        let only = scenario
        return try await engines(store, isCounted: false).prepare(choice, [StartSubject(image, tree: tree)]) {
            try await $0[0](only)
        }
    }

    private func engines(_ store: Store, isCounted: Bool) -> Engines {
        Engines(store: store, kernel: kernel, isDeterministic: isCounted, host: host)
    }

    /// Writes the console as plain lines, since users print such a file with `cat`.
    private func keepConsole(_ lastConsole: Console?) throws {
        if let console, let lastConsole {
            try replaceFile(console, with: Array(OutputLines.text(lastConsole.text.utf8).utf8))
        }
    }

    /// The start of an image with these settings.
    func scenario(of image: Image) -> Scenario {
        let config = image.config
        var scenario = Scenario(
            arguments: config.arguments, environment: config.environment + environment,
            workingDirectory: config.workingDirectory.isEmpty ? "/" : config.workingDirectory, user: config.user,
            probe: probe, memoryBytes: UInt64(memory), processors: processors, timeout: timeout, runs: runs ?? 1)
        (scenario.isMemoryRequested, scenario.processLimit) = (isMemoryRequested, processLimit)
        return scenario
    }
}

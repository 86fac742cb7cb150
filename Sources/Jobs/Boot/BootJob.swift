public import ColdStart
internal import Linux
public import OCI
public import Probe
public import Project
internal import Proof
internal import Synchronization
internal import SystemPackage

/// The settings for starting images, the same for each image.
public struct BootJob: Sendable {
    /// The engine.
    public private(set) var choice: EngineChoice
    /// The probe of readiness; nil until an image suggests one.
    public private(set) var probe: ProbeAction?
    private let furtherProbes: [ProbeAction]
    private let usesHealthcheck: Bool
    private let readsFile: Bool
    private let programVersion: String
    private let kernel: KernelChoice
    private let runs: Int?
    private let budget: Duration?
    private let isDeterministic: Bool
    private let memory: Int64
    private let processors: Int
    private let isMemoryRequested: Bool
    private let processLimit: Int?
    private let environment: [String]
    private let timeout: Duration
    private let console: String?
    private let record: StartRecording
    let host: any JobHost

    /// Combines the options with the project's file; an option takes precedence.
    ///
    /// - Parameter file: The contents of `thaw.toml`; nil for a command that does not read it.
    public init(_ options: StartOptions, _ file: ProjectFile?, host: any JobHost) throws {
        let project = file ?? ProjectFile()
        choice = try options.engine ?? project.boot.engine.map(EngineChoice.init(parsing:)) ?? .auto
        (furtherProbes, usesHealthcheck, readsFile) = (options.furtherProbes, options.usesHealthcheck, file != nil)
        probe =
            usesHealthcheck
            ? nil : try options.probe ?? project.probe.map(ProbeAction.init(parsing:))
        programVersion = options.programVersion
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
        record = StartRecording(
            timeline: options.timeline, profile: options.profile, dockerfile: options.dockerfile)
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
        guard memory >= 1 << 20 else {
            throw Failure(
                "\(memory) bytes of memory are too few", remedy: "give a unit: 128m is 128 MiB", status: .usage)
        }
        if let console { try FileDestination.expectWritable(FilePath(console), for: "--console") }
        try record.expectWritable()
        if let wrong = environment.first(where: { $0.hasPrefix("=") || !$0.contains("=") }) {
            throw Failure("'\(wrong)' is not an environment variable of the form NAME=VALUE", status: .usage)
        }
    }
}

extension BootJob {
    /// Returns the job with a probe: the given one, else the one that the image suggests, which is reported.
    public func choosingProbe(for image: Image) throws -> BootJob {
        guard probe == nil else { return self }
        var job = self
        if usesHealthcheck {
            guard let action = ImageProbe.healthcheck(image.config) else {
                throw Failure("the image has no HEALTHCHECK", remedy: "add --probe http:8080/", status: .usage)
            }
            job.probe = action
            return job
        }
        guard let suggested = ImageProbe(image.config) else {
            throw Failure(
                "a probe of the image's readiness is missing: it has neither HEALTHCHECK nor EXPOSE",
                remedy: "add --probe http:8080/" + (readsFile ? " or [probe] in thaw.toml" : ""), status: .usage)
        }
        host.report("probe \(suggested.action), from \(suggested.source)")
        job.probe = suggested.action
        return job
    }

    /// Starts the image as many times as requested and measures each start.
    ///
    /// - Parameter options: Options of the engine kvm, the only engine that can do more than boot.
    public func measure(
        _ image: Image, in store: Store, options: MachineOptions = MachineOptions()
    ) async throws -> StartMeasurement {
        let measured = try await choosingProbe(for: image).measure(
            [StartSubject(image)], in: store,
            plan: RunPlan(runs: runs, budget: budget, isCounted: isDeterministic), options: options)
        return measured[0]
    }

    /// The time for counted starts with further seeds, if no number is requested.
    private static let seedTime = Duration.seconds(15)

    /// Counts the work of the image's start, with up to three seeds if that costs little.
    func count(_ image: Image, in store: Store) async throws -> StartMeasurement {
        var job = try choosingProbe(for: image)
        job.choice = .qemu
        let plan = RunPlan(runs: runs, budget: budget ?? (runs == nil ? BootJob.seedTime : nil), isCounted: true)
        return try await job.measure([StartSubject(image)], in: store, plan: plan, options: MachineOptions())[0]
    }

    /// True if starts are measured in an emulator: a QEMU without a KVM that runs guests.
    public var isEmulated: Bool {
        guard !isDeterministic, [.auto, .qemu].contains(choice), Engines.hasEmulator else { return false }
        return KvmEngine.unavailableReason() != nil
    }

    /// Starts two images in turns, and compares them.
    public func measurePair(
        _ before: StartSubject, _ after: StartSubject, in store: Store, mode: PairMode = .requested
    ) async throws -> StartPair {
        var job = try choosingProbe(for: before.image)
        // Only this engine counts; an explicit choice of it is kept.
        if case .counted = mode { job.choice = .qemu }
        let isCounted = if case .counted = mode { true } else { isDeterministic }
        var plan = RunPlan(runs: runs, budget: budget, isCounted: isCounted)
        if case .once = mode { plan = RunPlan(runs: 1, budget: nil, isCounted: isCounted) }
        let measured = try await job.measure([before, after], in: store, plan: plan, options: MachineOptions())
        return try StartPair(measured[0], measured[1])
    }

    private func measure(
        _ subjects: [StartSubject], in store: Store, plan: RunPlan, options: MachineOptions
    ) async throws -> [StartMeasurement] {
        let lastConsole = Mutex<Console?>(nil)
        let scenarios = try subjects.map { subject in
            var scenario = try scenario(of: subject.image)
            scenario.onRunEnd = { console in lastConsole.withLock { $0 = console } }
            return scenario
        }
        let isCounted = plan.isCounted
        defer { host.show(.phase, nil) }
        guard !record.isRequested || subjects.count == 1 && options.isPlainBoot && furtherProbes.isEmpty else {
            throw Failure(
                "--timeline and --profile take one image that boots, with one probe", status: .usage)
        }
        let record = record
        do {
            let measured = try await engines(store, isCounted: isCounted).prepare(
                choice, subjects, options: options
            ) { starters in
                // The engine itself repeats a start that saves, resumes or keeps a machine.
                guard options.isPlainBoot else { return [try await starters[0](scenarios[0])] }
                var measured = try await plan.measure(subjects.count) { index, earlierRuns in
                    let (name, began) = (
                        plan.name(ofStart: index, of: subjects.count, earlierRuns), ContinuousClock.now
                    )
                    host.show(.phase) { ["\(name)  \(began.duration(to: .now).wholeSeconds)"] }
                    var scenario = scenarios[index]
                    (scenario.runs, scenario.earlierRuns) = (1, earlierRuns)
                    scenario.checksTermination = earlierRuns == 0
                    let measured = try await starters[index](scenario)
                    try scenario.probeSet?.expectPassed(measured)
                    return measured
                }
                if record.isRequested, subjects.count == 1 {
                    var scenario = scenarios[0]
                    (scenario.runs, scenario.recordsStart) = (1, true)
                    measured[0].trace = try await starters[0](scenario).trace
                }
                return measured
            }
            try keepConsole(lastConsole.withLock { $0 })
            if subjects.count == 1, let text = try await record.write(measured[0], of: subjects[0], in: store) {
                host.report(text)
            }
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
        var scenario = try scenario(of: image)
        (scenario.probeSet, scenario.runs) = (probeSet, 1)
        scenario.probe = probeSet.readinessProbe ?? scenario.probe
        let only = scenario
        return try await engines(store, isCounted: false).prepare(choice, [StartSubject(image, tree: tree)]) {
            try await $0[0](only)
        }
    }

    func engines(_ store: Store, isCounted: Bool) -> Engines {
        Engines(store: store, kernel: kernel, isDeterministic: isCounted, programVersion: programVersion, host: host)
    }

    /// Writes the console as plain lines, since users print such a file with `cat`.
    private func keepConsole(_ lastConsole: Console?) throws {
        if let console, let lastConsole {
            try replaceFile(console, with: Array(OutputLines.text(lastConsole.text.utf8).utf8))
        }
    }

    /// The start of an image with these settings.
    func scenario(of image: Image) throws -> Scenario {
        let config = image.config
        guard let probe = try choosingProbe(for: image).probe else { preconditionFailure("a probe was chosen") }
        var scenario = Scenario(
            arguments: config.arguments, environment: config.environment + environment,
            workingDirectory: config.workingDirectory.isEmpty ? "/" : config.workingDirectory, user: config.user,
            probe: probe, memoryBytes: UInt64(memory), processors: processors, timeout: timeout, runs: runs ?? 1)
        (scenario.isMemoryRequested, scenario.processLimit) = (isMemoryRequested, processLimit)
        if !furtherProbes.isEmpty { scenario.probeSet = ProbeSet(probes: [probe] + furtherProbes) }
        return scenario
    }
}

extension ProbeSet {
    /// Throws if a probe of the set did not pass.
    fileprivate func expectPassed(_ measured: StartMeasurement) throws {
        guard let results = measured.probeResults?.results else { return }
        for (place, (action, result)) in zip(actions, results).enumerated() where !accepts(result, at: place) {
            let record = ProbeRecord(result, of: "\(action)", passes: false)
            throw Failure("probe \(action) did not pass: \(record.summary)")
        }
    }
}

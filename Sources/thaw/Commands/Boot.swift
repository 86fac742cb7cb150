public import ArgumentParser
public import ColdStart
import Glibc
import Linux
import OCI
import Probe
import Project
import Synchronization
import SystemPackage

/// The command `thaw boot`.
struct Boot: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start an image and measure the time to its first request.",
        discussion: """
            Example: thaw boot --probe http:8080/healthz --runs 5 app:latest
            Example: thaw boot --engine container --memory 128MiB --cpus 1 --pids 100 --probe tcp:8080 app:latest
            """)
    @OptionGroup var global: GlobalOptions
    @OptionGroup var options: BootOptions
    @Option(help: ArgumentHelp("Save a snapshot of the machine to a file (kvm).", valueName: "file"))
    var snapshot: String?
    @Option(
        help: ArgumentHelp(
            "Moment of the snapshot: ready (the probe has passed) or request (during a further request).",
            valueName: "moment"))
    var snapshotAt = "ready"
    @Option(help: ArgumentHelp("Resume a snapshot instead of booting (kvm).", valueName: "file"))
    var fromSnapshot: String?
    @Option(help: "Network of the machine; outbound needs Debian's passt (kvm).")
    var network: MachineNetwork = .none
    @Flag(help: "Keep the machine running after the measurement; Ctrl-C stops it with exit status 0 (kvm).")
    var keep = false
    @Option(
        help: ArgumentHelp(
            "With --keep: publish a port of the machine on 127.0.0.1. Can be repeated.", valueName: "host:guest"))
    var publish: [KeptMachine.Port] = []
    @Option(help: "Output format.") var format: OutputFormat = .text
    @Argument(help: ArgumentHelp(Transport.help)) var image: ImageArgument

    func run() async throws {
        let store = try global.store()
        let job = try BootJob(options, nil)
        let subject = try await image.image(in: store)
        let machineOptions = try machineOptions(job, keeping: keep ? subject : nil)
        let measured = try await job.measure(subject, in: store, machineOptions: machineOptions)
        if !keep { show(measured, of: subject) }
    }

    private func show(_ measured: ColdStart.StartMeasurement, of subject: Image) {
        switch format {
        case .text: Terminal.print(measured.text + (snapshot.map { "\nsaved to \($0)" } ?? ""))
        case .json: Terminal.print(measured.document(image: subject, name: image.text, console: options.console))
        }
    }
}

extension Boot {
    /// Returns the options that only the engine kvm has.
    ///
    /// - Parameter subject: The image of a machine that is kept running; nil without `--keep`.
    private func machineOptions(_ job: BootJob, keeping subject: Image?) throws -> MachineOptions {
        var machineOptions = MachineOptions(startMode: try startMode, network: network)
        let special = [
            ("--snapshot", snapshot != nil), ("--from-snapshot", fromSnapshot != nil), ("--keep", keep),
            ("--network", network != .none),
        ]
        if let option = special.first(where: \.1)?.0 { try Engines.expectOwnMachine(job.choice, for: option) }
        guard keep || publish.isEmpty else { throw Failure("--publish needs --keep", status: .usage) }
        guard !keep || snapshot == nil else {
            throw Failure("--keep and --snapshot exclude each other", status: .usage)
        }
        guard let subject else { return machineOptions }
        let (command, ports) = (self, publish)
        machineOptions.keptMachine = KeptMachine(ports: ports) { measured in
            command.show(measured, of: subject)
            for port in ports { Terminal.report("http://127.0.0.1:\(port.host)/ forwards to port \(port.guest)") }
            Terminal.report("the machine keeps running; Ctrl-C stops it")
        }
        return machineOptions
    }

    /// The use of snapshots: booting without one, saving one, or resuming one.
    private var startMode: KvmEngine.StartMode {
        get throws {
            guard let moment = SnapshotPoint(rawValue: snapshotAt) else {
                throw Failure("--snapshot-at '\(snapshotAt)' is not ready or request", status: .usage)
            }
            guard snapshot == nil || fromSnapshot == nil else {
                throw Failure("--snapshot and --from-snapshot exclude each other", status: .usage)
            }
            if let fromSnapshot {
                try Self.expectReadable(fromSnapshot)
                guard options.memory == nil, options.cpus == nil, options.env.isEmpty else {
                    throw Failure(
                        "--from-snapshot excludes --memory, --cpus and --env: the snapshot has them", status: .usage)
                }
                return .restore(from: FilePath(fromSnapshot))
            }
            if let snapshot { try Self.expectPlace(snapshot) }
            return snapshot.map { .save(to: FilePath($0), at: moment) } ?? .boot
        }
    }
}

extension Boot {
    private static func expectReadable(_ path: String) throws {
        guard unsafe access(path, R_OK) == 0 else {
            throw Failure("--from-snapshot '\(path)' cannot be read: \(Errno(rawValue: errno))", status: .usage)
        }
    }

    /// Expects that a snapshot can be written to the path: nothing exists there, or a regular file to replace.
    private static func expectPlace(_ path: String) throws {
        try Writable.expectFile(path, for: "--snapshot")
        var status = stat()
        guard unsafe stat(path, &status) != 0 || FileType(mode: status.st_mode) == .regular else {
            throw Failure("--snapshot '\(path)' exists and is not a regular file", status: .usage)
        }
    }
}

/// The options for starting an image, shared by several commands.
struct BootOptions: ParsableArguments {
    @Option(
        help:
            "Engine: auto, kvm (own microVM), qemu (QEMU's microVM) or container (no boot). (default: auto)"
    )
    var engine: String?
    @Option(
        help: ArgumentHelp(
            "Probe of readiness: http:PORT/PATH, tcp:PORT, exec:COMMAND (no shell) or log:REGEX.", valueName: "probe"))
    var probe: String?
    @Option(help: ArgumentHelp("Number of starts. (default: 1)", valueName: "count")) var runs: Int?
    @Flag(help: "Count instructions instead of measuring time: the same result on every machine (qemu).")
    var deterministic = false
    @Option(
        help: ArgumentHelp(
            "Guest kernel: debian, small (from 'make kernel') or a file. (default: debian)", valueName: "kernel"))
    var kernel: String?
    @Option(help: ArgumentHelp("Memory limit. (default: 512MiB)", valueName: "size")) var memory: String?
    @Option(help: ArgumentHelp("Number of CPUs. (default: 1)", valueName: "count")) var cpus: Int?
    @Option(help: ArgumentHelp("Limit of processes and threads, such as 100 (container).", valueName: "count"))
    var pids: Int?
    @Option(
        help: ArgumentHelp("Set an environment variable of the program. Can be repeated.", valueName: "name=value"))
    var env: [String] = []
    @Option(help: ArgumentHelp("Time limit for the probe to pass. (default: 60s)", valueName: "time"))
    var timeout: String?
    @Option(help: ArgumentHelp("Write the console of the last start to a file.", valueName: "file"))
    var console: String?
}

/// The settings for starting images, the same for each image.
struct BootJob {
    let choice: EngineChoice
    private let kernel: KernelChoice
    let probe: ProbeAction
    private let runs: Int
    private let isDeterministic: Bool
    private let memory: Int64
    private let processors: Int
    private let isMemoryRequested: Bool
    private let processLimit: Int?
    private let environment: [String]
    private let timeout: Duration
    private let console: String?

    /// Combines the options with the project's file; an option takes precedence.
    ///
    /// - Parameter file: The contents of `thaw.toml`; nil for a command that does not read it.
    init(_ options: BootOptions, _ file: ProjectFile?) throws {
        let project = file ?? ProjectFile()
        let engine = options.engine ?? project.boot.engine ?? "auto"
        guard let choice = EngineChoice(rawValue: engine) else {
            throw Failure(
                "engine '\(engine)' is not one of \(EngineChoice.allCases.map(\.rawValue).joined(separator: ", "))",
                status: .usage)
        }
        guard let text = options.probe ?? project.probe else {
            throw Failure(
                "a probe of the image's readiness is missing",
                remedy: "add --probe http:8080/" + (file == nil ? "" : " or [probe] in thaw.toml"), status: .usage)
        }
        probe = try ProbeAction(parsing: text)
        self.choice = choice
        kernel = (options.kernel ?? project.boot.kernel).map(KernelChoice.init(parsing:)) ?? .debian
        runs = options.runs ?? project.boot.runs ?? 1
        isDeterministic = options.deterministic
        memory = try options.memory.map { try Self.bytes($0) } ?? project.boot.memory?.bytes ?? 512 << 20
        processors = options.cpus ?? project.boot.cpus ?? 1
        isMemoryRequested = options.memory != nil || project.boot.memory != nil
        processLimit = options.pids
        environment = project.boot.environment + options.env
        timeout = try options.timeout.map { try Self.time($0) } ?? project.probeTimeout ?? .seconds(60)
        console = options.console
        guard runs > 0, processors > 0, processLimit ?? 1 > 0 else {
            throw Failure("--runs, --cpus and --pids take positive numbers", status: .usage)
        }
        guard processLimit == nil || choice == .container else {
            throw Failure("--pids needs --engine container: a microVM has no limit of processes", status: .usage)
        }
        if let console { try Writable.expectFile(console, for: "--console") }
        if let wrong = environment.first(where: { $0.hasPrefix("=") || !$0.contains("=") }) {
            throw Failure("'\(wrong)' is not an environment variable of the form NAME=VALUE", status: .usage)
        }
    }

    /// Starts the image `runs` times and measures each start.
    ///
    /// - Parameters:
    ///   - tree: The image's tree, if it was already made.
    ///   - machineOptions: Options of the engine kvm, the only engine that can do more than boot.
    func measure(
        _ image: Image, tree: FileTree? = nil, in store: Store, machineOptions: MachineOptions = MachineOptions()
    ) async throws -> ColdStart.StartMeasurement {
        let lastConsole = Mutex<Console?>(nil)
        var scenario = scenario(of: image)
        scenario.onRunEnd = { console in lastConsole.withLock { $0 = console } }
        do {
            let measurement = try await Engines.run(
                choice, options: machineOptions, isDeterministic: isDeterministic, kernel, scenario, image, tree: tree,
                store)
            try keepConsole(lastConsole.withLock { $0 })
            return measurement
        } catch let error as ColdStartError {
            guard let lastConsole = lastConsole.withLock({ $0 }), error != .cancelled else { throw error }
            // The start's failure is reported, not that of writing the console.
            let isKept = (try? keepConsole(lastConsole)) != nil
            throw Failure(error, lastConsole.lastLines(6), isKept ? console : nil)
        }
    }

    /// Writes the console as plain lines, since users print such a file with `cat`.
    private func keepConsole(_ lastConsole: Console?) throws {
        if let console, let lastConsole {
            try replaceFile(console, with: Array(OutputLines.text(lastConsole.text.utf8).utf8))
        }
    }

    /// Starts the image once and runs the probes of `probeSet` instead of a measurement.
    func runProbes(
        _ image: Image, tree: FileTree?, _ probeSet: ProbeSet, in store: Store
    ) async throws -> ColdStart.StartMeasurement {
        var scenario = scenario(of: image)
        (scenario.probeSet, scenario.runs) = (probeSet, 1)
        scenario.probe = probeSet.readinessProbe ?? scenario.probe
        return try await Engines.run(choice, isDeterministic: false, kernel, scenario, image, tree: tree, store)
    }

    private func scenario(of image: Image) -> Scenario {
        let config = image.config
        var scenario = Scenario(
            arguments: config.arguments, environment: config.environment + environment,
            workingDirectory: config.workingDirectory.isEmpty ? "/" : config.workingDirectory, user: config.user,
            probe: probe, memoryBytes: UInt64(memory), processors: processors, timeout: timeout, runs: runs)
        (scenario.isMemoryRequested, scenario.processLimit) = (isMemoryRequested, processLimit)
        return scenario
    }

    private static func bytes(_ text: String) throws -> Int64 {
        guard let count = ByteCount(text) else {
            throw Failure("'\(text)' is not a size such as 256MiB", status: .usage)
        }
        return count.bytes
    }

    private static func time(_ text: String) throws -> Duration {
        guard let time = Duration(human: text) else {
            throw Failure("'\(text)' is not a time such as 30s", status: .usage)
        }
        return time
    }
}

extension ColdStart.StartMeasurement {
    /// Returns the document of `--format json`.
    ///
    /// - Parameter console: The path that the console was written to; nil if it was not written.
    func document(image: Image, name: String, console: String? = nil) -> JSON {
        var json = JSON.object([
            "schemaVersion": .integer(1), "kind": .string("boot"), "engine": .string(engine),
            "accelerated": .bool(isAccelerated), "probe": .string("\(probe)"), "runs": .integer(Int64(runs)),
            "image": .object(["reference": .string(name), "digest": .string("\(image.descriptor.digest)")]),
            "phases": .array(
                phases.map { phase in
                    .object([
                        "name": .string(phase.name.rawValue), "medianMs": .number(phase.milliseconds.median),
                        "p95Ms": .number(phase.milliseconds.p95),
                        "samplesMs": .array(phase.milliseconds.samples.map(JSON.number)),
                    ])
                }),
            "timeToFirstRequestMs": timeToFirstRequest.document,
        ])
        json["accelerationNote"] = accelerationNote.map(JSON.string)
        json["kernel"] = kernelRelease.map { release in
            .object(["release": .string(release)].merging(kernelRemark.map { ["remark": .string($0)] } ?? [:]) { $1 })
        }
        if !notes.isEmpty { json["notes"] = .array(notes.map(JSON.string)) }
        json["emulator"] = emulator.map(JSON.string)
        json["exits"] = exits.map { .integer(Int64($0.median)) }
        json["vmmOverheadBytes"] = overheadBytes.map { .integer(Int64($0)) }
        json["diskReads"] = diskReads.map { .integer(Int64($0.median)) }
        json["diskBytesRead"] = diskBytesRead.map { .integer(Int64($0.median)) }
        json["console"] = console.map(JSON.string)
        json["pageFaults"] = pageFaults.map { .integer(Int64($0.median)) }
        json["peakGuestMemoryBytes"] = peakGuestMemoryBytes.map { .integer(Int64($0)) }
        if let work {
            json["work"] = work.document
            json["waitingMs"] = work.waitingDocument
            json["guestInstructions"] = .object([
                "median": .integer(Int64(work.instructions.median)), "spread": .number(work.instructions.spread),
            ])
        }
        json["hostProbe"] = hostProbe.map(\.document)
        json["response"] = response.map { response in
            .object(["status": .integer(Int64(response.status)), "bytes": .integer(Int64(response.byteCount))])
        }
        return json
    }

    /// The text of `--format text`.
    var text: String {
        let how = accelerationNote.map { ", \($0)" } ?? (isAccelerated ? ", accelerated" : "")
        var lines = ["engine \(engine)\(how)"]
        for phase in phases {
            let name = phase.name.rawValue + String(repeating: " ", count: max(1, 12 - phase.name.rawValue.count))
            lines.append("  \(name)\(hundredths(phase.milliseconds.median)) ms")
        }
        lines.append(
            "first request after \(hundredths(timeToFirstRequest.median)) ms (median of \(runs), p95 \(hundredths(timeToFirstRequest.p95)) ms)"
        )
        if let hostProbe { lines.append(hostProbe.text) }
        if let work { lines.append(work.text) }
        if let response { lines.append("answered \(response.status), \(response.byteCount) bytes") }
        if let kernelRemark { lines.append(kernelRemark) }
        lines += notes.map { "note: \($0)" }
        if let pageFaults { lines.append("page faults \(Int(pageFaults.median))") }
        if let peakGuestMemoryBytes { lines.append("peak memory \(ByteCount(Int64(peakGuestMemoryBytes)))") }
        return lines.joined(separator: "\n")
    }
}

extension WorkSummary {
    /// The member `work` of the JSON document.
    fileprivate var document: JSON {
        .object([
            "instructions": .integer(Int64(instructions.median)), "spread": .number(instructions.spread),
            "byPhase": .object(
                Dictionary(
                    uniqueKeysWithValues: phases.map {
                        (JSON.Key($0.name.rawValue), .integer(Int64($0.instructions.median)))
                    })),
        ])
    }

    /// The member `waitingMs` of the JSON document.
    fileprivate var waitingDocument: JSON {
        .object([
            "median": .number(waiting.median),
            "byPhase": .object(
                Dictionary(
                    uniqueKeysWithValues: zip(phases, phaseWaiting).map {
                        (JSON.Key($0.name.rawValue), .number($1.median))
                    })),
        ])
    }

    /// The line of `--format text`.
    fileprivate var text: String {
        "work \(instructions.median) instructions, spread \(hundredths(instructions.spread * 100)) %; "
            + "waiting \(hundredths(waiting.median)) ms"
    }
}

extension HostProbeSummary {
    /// The member `hostProbe` of the JSON document.
    fileprivate var document: JSON {
        switch self {
        case .failed(let reason): .object(["failure": .string(reason)])
        case .answered(let firstByte, let request, let status):
            .object([
                "firstByteMs": firstByte.document, "requestMs": request.document, "status": .integer(Int64(status)),
            ])
        }
    }

    /// The line of `--format text`.
    fileprivate var text: String {
        switch self {
        case .failed(let reason): "from outside: \(reason)"
        case .answered(let firstByte, let request, let status):
            "from outside \(status) after \(hundredths(firstByte.median)) ms, the request alone \(hundredths(request.median)) ms"
        }
    }
}

extension Statistics {
    fileprivate var document: JSON {
        .object([
            "median": .number(median), "p95": .number(p95), "min": .number(minimum), "max": .number(maximum),
            "samples": .array(samples.map(JSON.number)),
        ])
    }
}

private func hundredths(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }

extension MachineNetwork: ExpressibleByArgument {}

extension KeptMachine.Port: ExpressibleByArgument {
    /// Reads `HOST:GUEST`.
    public init?(argument: String) { self.init(argument) }
}

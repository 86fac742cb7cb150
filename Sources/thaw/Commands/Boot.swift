public import ArgumentParser
public import ColdStart
import Glibc
import Linux
import OCI
import Project
import Synchronization
import SystemPackage

/// `thaw boot`
struct Boot: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start an image and time its first request.",
        discussion: """
            Example: thaw boot --probe http:8080/healthz --runs 5 app:latest
            Example: thaw boot --engine container --memory 128MiB --cpus 1 --pids 100 --probe tcp:8080 app:latest
            """)
    @OptionGroup var global: GlobalOptions
    @OptionGroup var options: BootOptions
    @Option(help: ArgumentHelp("Save the machine when it serves (kvm).", valueName: "file")) var snapshot: String?
    @Option(help: "When to save it: ready, or request: in the middle of another one.") var snapshotAt = "ready"
    @Option(help: ArgumentHelp("Go on from a saved machine instead of booting (kvm).", valueName: "file"))
    var fromSnapshot: String?
    @Option(help: "What the machine reaches: none, or outbound: the world, by Debian's passt (kvm).")
    var network: MachineNetwork = .none
    @Flag(help: "Let the machine run on after it was measured, until Ctrl-C, which is no failure: status 0 (kvm).")
    var keep = false
    @Option(
        help: ArgumentHelp(
            "With --keep: a port of 127.0.0.1 that leads to one of the machine; may be repeated.",
            valueName: "port:port"))
    var publish: [KeptMachine.Port] = []
    @Option(help: "text or json") var format: OutputFormat = .text
    @Argument(help: ArgumentHelp(Transport.help)) var image: ImageArgument

    func run() async throws {
        let store = try global.store()
        let job = try BootJob(options, nil)
        let subject = try await image.image(in: store)
        let wishes = try wishes(job, keeping: keep ? subject : nil)
        let measured = try await job.measure(subject, in: store, wishes: wishes)
        if !keep { show(measured, of: subject) }
    }

    private func show(_ measured: ColdStart.Measurement, of subject: Image) {
        switch format {
        case .text: Terminal.print(measured.text + (snapshot.map { "\nsaved to \($0)" } ?? ""))
        case .json: Terminal.print(measured.document(image: subject, name: image.text, console: options.console))
        }
    }
}

extension Boot {
    /// What the machine is to do besides booting, and with an image: that it is kept.
    private func wishes(_ job: BootJob, keeping subject: Image?) throws -> MachineWishes {
        var wishes = MachineWishes(life: try life, network: network)
        let special = [
            ("--snapshot", snapshot != nil), ("--from-snapshot", fromSnapshot != nil), ("--keep", keep),
            ("--network", network != .none),
        ]
        if let option = special.first(where: \.1)?.0 { try Engines.expectOwnMachine(job.choice, for: option) }
        guard keep || publish.isEmpty else { throw Failure("--publish takes --keep", status: .usage) }
        guard !keep || snapshot == nil else {
            throw Failure("--keep and --snapshot exclude each other", status: .usage)
        }
        guard let subject else { return wishes }
        let (command, ports) = (self, publish)
        wishes.kept = KeptMachine(ports: ports) { measured in
            command.show(measured, of: subject)
            for port in ports { Terminal.tell("http://127.0.0.1:\(port.host)/ leads to port \(port.guest)") }
            Terminal.tell("the machine runs on; Ctrl-C ends it")
        }
        return wishes
    }

    /// What is to be done with the machine besides booting it.
    private var life: KvmEngine.Life {
        get throws {
            guard let moment = SnapshotMoment(rawValue: snapshotAt) else {
                throw Failure("--snapshot-at is ready or request, not '\(snapshotAt)'", status: .usage)
            }
            guard snapshot == nil || fromSnapshot == nil else {
                throw Failure("--snapshot and --from-snapshot exclude each other", status: .usage)
            }
            if let fromSnapshot {
                try Self.expectReadable(fromSnapshot)
                guard options.memory == nil, options.cpus == nil, options.env.isEmpty else {
                    throw Failure("a saved machine has its memory, processors and variables already", status: .usage)
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

    /// Expects that a snapshot can be put there, before the work: nothing is, or a file that it may replace.
    private static func expectPlace(_ path: String) throws {
        try Writable.expectFile(path, for: "--snapshot")
        var status = stat()
        guard unsafe stat(path, &status) != 0 || FileType(mode: status.st_mode) == .regular else {
            throw Failure("--snapshot '\(path)' is there, and is no file that could be replaced", status: .usage)
        }
    }
}

/// What starting takes, whichever command it is part of.
struct BootOptions: ParsableArguments {
    @Option(
        help:
            "auto (the default), kvm (our own microVM), qemu (its microVM, emulated if need be) or container (no boot)."
    )
    var engine: String?
    @Option(help: ArgumentHelp("http:PORT/PATH, tcp:PORT, exec:COMMAND (no shell) or log:REGEX.", valueName: "probe"))
    var probe: String?
    @Option(help: "How often to start it; once if not given.") var runs: Int?
    @Flag(help: "Count instructions instead of trusting the clock (qemu): the same figure on every machine.")
    var deterministic = false
    @Option(
        help: ArgumentHelp(
            "What the microVM boots: debian (the default), small (make kernel builds it) or a file.",
            valueName: "kernel"))
    var kernel: String?
    @Option(help: ArgumentHelp("The guest's memory; 512MiB if not given.", valueName: "size")) var memory: String?
    @Option(help: "The guest's processors; one if not given.") var cpus: Int?
    @Option(help: ArgumentHelp("The processes and threads of the image, such as 100 (container).", valueName: "count"))
    var pids: Int?
    @Option(help: ArgumentHelp("A variable for the program; may be repeated.", valueName: "name=value")) var env:
        [String] = []
    @Option(help: ArgumentHelp("How long the probe may take to answer; 60s if not given.", valueName: "time"))
    var timeout: String?
    @Option(help: ArgumentHelp("Write the last run's console to a file.", valueName: "file")) var console: String?
}

/// One way of starting images, the same for every image it is given.
struct BootJob {
    let choice: EngineChoice
    private let kernel: KernelChoice
    let probe: Probe
    private let runs: Int
    private let isDeterministic: Bool
    private let memory: Int64
    private let processors: Int
    private let isMemoryRequested: Bool
    private let processLimit: Int?
    private let environment: [String]
    private let timeout: Duration
    private let console: String?

    /// - Parameter file: what the user's `thaw.toml` says, for a command that reads it.
    init(_ options: BootOptions, _ file: Project?) throws {
        let project = file ?? Project()
        let engine = options.engine ?? project.boot.engine ?? "auto"
        guard let choice = EngineChoice(rawValue: engine) else {
            throw Failure(
                "engine '\(engine)' is not one of \(EngineChoice.allCases.map(\.rawValue).joined(separator: ", "))",
                status: .usage)
        }
        guard let text = options.probe ?? project.probe else {
            throw Failure(
                "nothing says when the image is ready",
                remedy: "give --probe http:8080/" + (file == nil ? "" : " or [probe] in thaw.toml"), status: .usage)
        }
        probe = try Probe(parsing: text)
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
            throw Failure("--pids takes --engine container: a microVM has no limit of processes", status: .usage)
        }
        if let console { try Writable.expectFile(console, for: "--console") }
        if let wrong = environment.first(where: { $0.hasPrefix("=") || !$0.contains("=") }) {
            throw Failure("'\(wrong)' is not a variable such as NAME=value", status: .usage)
        }
    }

    /// Starts the image as often as asked.
    ///
    /// - Parameter wishes: for the engine kvm, the only one that knows more than booting.
    func measure(
        _ image: Image, in store: Store, wishes: MachineWishes = MachineWishes()
    ) async throws -> ColdStart.Measurement {
        let heard = Mutex<Console?>(nil)
        var scenario = scenario(of: image)
        scenario.whenOver = { console in heard.withLock { $0 = console } }
        do {
            let measurement = try await Engines.run(
                choice, wishes: wishes, isDeterministic: isDeterministic, kernel, scenario, image, store)
            try keepConsole(heard.withLock { $0 })
            return measurement
        } catch let error as ColdStartError {
            guard let heard = heard.withLock({ $0 }), error != .cancelled else { throw error }
            // The failure counts, and says it where the console is.
            let isKept = (try? keepConsole(heard)) != nil
            throw Failure(error, heard.lastLines(6), isKept ? console : nil)
        }
    }

    /// Plain lines: people look at such a file with `cat`.
    private func keepConsole(_ heard: Console?) throws {
        if let console, let heard { try replaceFile(console, with: Array(OutputLines.text(heard.text.utf8).utf8)) }
    }

    /// Starts the image once, to be asked instead of measured.
    func ask(_ image: Image, _ interview: Interview, in store: Store) async throws -> ColdStart.Measurement {
        var scenario = scenario(of: image)
        (scenario.interview, scenario.runs) = (interview, 1)
        scenario.probe = interview.readiness ?? scenario.probe
        return try await Engines.run(choice, isDeterministic: false, kernel, scenario, image, store)
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

extension ColdStart.Measurement {
    /// The document of CLI.md.
    ///
    /// - Parameter console: where the console was written to, if it was.
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
        json["guestInstructions"] = guestInstructions.map {
            .object(["median": .integer(Int64($0.median)), "spread": .number($0.spread)])
        }
        json["hostProbe"] = hostProbe.map(\.document)
        json["response"] = response.map { response in
            .object(["status": .integer(Int64(response.status)), "bytes": .integer(Int64(response.byteCount))])
        }
        return json
    }

    /// The figures for people.
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
        if let guestInstructions {
            lines.append(
                "\(guestInstructions.median) instructions, spread \(hundredths(guestInstructions.spread * 100)) %")
        }
        if let response { lines.append("answered \(response.status), \(response.byteCount) bytes") }
        if let kernelRemark { lines.append(kernelRemark) }
        lines += notes.map { "note: \($0)" }
        if let pageFaults { lines.append("pages brought in \(Int(pageFaults.median))") }
        if let peakGuestMemoryBytes { lines.append("peak memory \(ByteCount(Int64(peakGuestMemoryBytes)))") }
        return lines.joined(separator: "\n")
    }
}

extension HostView {
    /// The document of CLI.md.
    fileprivate var document: JSON {
        switch self {
        case .failed(let reason): .object(["failure": .string(reason)])
        case .answered(let firstByte, let request, let status):
            .object([
                "firstByteMs": firstByte.document, "requestMs": request.document, "status": .integer(Int64(status)),
            ])
        }
    }

    /// One line for people.
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

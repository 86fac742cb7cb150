public import ArgumentParser
public import ColdStart
import Jobs
import OCI
import SystemPackage

/// The command `thaw boot`.
struct BootCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start an image and measure the time to its first request.",
        discussion: """
            With a second image, both are started in turns, and the result says which one is faster.
            Example: thaw boot --probe http:8080/ --budget 60s app:old app:new
            Example: thaw boot --probe http:8080/healthz --runs 5 app:latest
            An http: probe may have options after its path: method=POST, header='Name: value', body=TEXT, \
            status=200,300-399 and contains=TEXT.
            Example: thaw boot --probe "http:8080/login method=POST body=user=a status=200" app:latest
            Example: thaw boot --probe http:8080/ --timeline start.json --profile start.html app:latest
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
    var publish: [KeptMachine.ForwardedPort] = []
    @Option(help: ArgumentHelp("Write the figures to a file for gate --baseline.", valueName: "file"))
    var saveBaseline: String?
    @Option(
        help: ArgumentHelp(
            "Start once more and write its phases, threads, opened files and output for ui.perfetto.dev.",
            valueName: "file"))
    var timeline: String?
    @Option(
        help: ArgumentHelp(
            "Start once more and write its processor time by process, module, file and function (kvm, qemu): a flame "
                + "graph to a name in .html, else folded stacks.",
            valueName: "file"))
    var profile: String?
    @Option(
        help: ArgumentHelp("Dockerfile of the image, whose lines are shown in --profile.", valueName: "file"))
    var dockerfile: String?
    @Flag(help: "Exit with status 2 if there is a finding, such as a server that only loopback reaches.")
    var strict = false
    @Option(help: "Output format.") var format: OutputFormat = .text
    @Argument(help: ArgumentHelp(Transport.help)) var image: ImageArgument
    @Argument(help: "Another image to compare it with.") var other: ImageArgument?

    func run() async throws {
        let store = try global.store()
        var start = try options.start()
        (start.timeline, start.profile, start.dockerfile) = (timeline, profile, dockerfile)
        let job = try BootJob(start, nil, host: TerminalHost())
        let subject = try await image.image(in: store)
        if let saveBaseline { try FileDestination.expectWritable(FilePath(saveBaseline), for: "--save-baseline") }
        if let other { return try await compare(subject, with: other, by: job, in: store) }
        let machineOptions = try machineOptions(job, keeping: keep ? subject : nil)
        let measured = try await job.measure(subject, in: store, options: machineOptions)
        if !keep { show(measured, of: subject) }
        if let saveBaseline {
            let document = try await job.baseline(measured, of: subject, name: image.text, in: store)
            try replaceFile(saveBaseline, with: Array(document.text.utf8))
        }
        if strict, !measured.findings.isEmpty { throw ExitCode(CommandStatus.gateBroken.rawValue) }
    }

    private func compare(_ subject: Image, with other: ImageArgument, by job: BootJob, in store: Store) async throws {
        let machineOptions = try machineOptions(job, keeping: nil)
        guard machineOptions.isPlain, !keep else {
            throw Failure(
                "two images exclude --snapshot, --from-snapshot, --network and --keep", status: .usage)
        }
        let second = try await other.image(in: store)
        let subjects = (StartSubject(subject), StartSubject(second))
        let pair = try await job.measurePair(subjects.0, subjects.1, in: store)
        let causes = try await job.causes(of: pair, subjects.0, subjects.1, in: store)
        switch format {
        case .text: Terminal.print(pair.text(names: (image.text, other.text), causes: causes))
        case .json:
            Terminal.print(pair.document(of: (subject, second), names: (image.text, other.text), causes: causes))
        }
    }

    private func show(_ measured: StartMeasurement, of subject: Image) {
        switch format {
        case .text: Terminal.print(measured.text + (snapshot.map { "\nsaved to \($0)" } ?? ""))
        case .json: Terminal.print(measured.document(image: subject, name: image.text, console: options.console))
        }
    }
}

extension BootCommand {
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
            let mode = try MachineOptions.startMode(saving: snapshot, at: moment, resuming: fromSnapshot)
            let given = options.machine
            guard fromSnapshot == nil || given.memory == nil && given.cpus == nil && given.env.isEmpty else {
                throw Failure(
                    "--from-snapshot excludes --memory, --cpus and --env: the snapshot has them", status: .usage)
            }
            return mode
        }
    }
}

extension MachineNetwork: ExpressibleByArgument {}

extension KeptMachine.ForwardedPort: ExpressibleByArgument {
    /// Reads `HOST:GUEST`.
    public init?(argument: String) { self.init(argument) }
}

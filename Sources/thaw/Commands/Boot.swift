public import ArgumentParser
public import ColdStart
import Jobs
import TTY

/// The command `thaw boot`.
struct BootCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "boot", abstract: "Start an image and measure the time to its first request.",
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
    @Argument(help: ArgumentHelp(Transport.help)) var image: NamedImage
    @Argument(help: "Another image to compare it with.") var other: NamedImage?

    func run() async throws {
        var start = try options.start()
        (start.timeline, start.profile, start.dockerfile) = (timeline, profile, dockerfile)
        var request = BootRequest(start: start)
        (request.isJSON, request.network, request.baseline) = (format == .json, network, saveBaseline)
        (request.snapshot, request.snapshotMoment, request.resumed) = (snapshot, snapshotAt, fromSnapshot)
        (request.keepsMachine, request.ports) = (keep, publish)
        let findings = try await request.run(image, against: other, in: global.store(), TerminalHost()) {
            Terminal.print($0)
        }
        if strict, findings > 0 { throw ExitCode(CommandStatus.gateBroken.rawValue) }
    }
}

extension MachineNetwork: ExpressibleByArgument {}

extension KeptMachine.ForwardedPort: ExpressibleByArgument {
    /// Reads `HOST:GUEST`.
    public init?(argument: String) { self.init(argument) }
}

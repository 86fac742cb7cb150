public import ArgumentParser
public import Jobs
import TTY

/// The command `thaw gate`.
struct Gate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check an image against the budgets in thaw.toml.",
        discussion: """
            The exit status is 2 if the image exceeds a budget, and 3 if one could not be measured. In GitHub Actions \
            the result is also added to the job's summary.
            Example: thaw gate --config thaw.toml app:latest
            Example: thaw gate --profile cloudflare-containers --instance-type basic app:latest
            Example: thaw gate --baseline app:1.0 --format github --junit gate.xml app:1.1
            """)
    @OptionGroup var global: GlobalOptions
    @OptionGroup var options: BootOptions
    @Option(help: ArgumentHelp("File with the budgets. (default: ./thaw.toml)", valueName: "file")) var config: String?
    @Option(
        help: ArgumentHelp(
            """
            Image or report that growth is measured against: FILE of analyze, gate or optimize, or an image. A FILE of \
            boot --save-baseline is what the start is compared with.
            """,
            valueName: "file|image"))
    var baseline: String?
    @Option(
        help: ArgumentHelp(
            "Check the rules of a platform too: cloudflare-containers, or a file as in docs/profiles.",
            valueName: "name|file"))
    var profile: String?
    @Option(
        help: ArgumentHelp("Instance type of the platform. (default: that of wrangler's file)", valueName: "name"))
    var instanceType: String?
    @Option(
        help: ArgumentHelp(
            "Database of vulnerabilities, as for thaw scan: a directory or a zip. Can be repeated.",
            valueName: "dir|zip"))
    var db: [String] = []
    @Option(help: "Output format; github and gitlab are annotations of these systems.") var format:
        GateRequest.GateFormat = .text
    @Option(help: ArgumentHelp("Write JUnit XML to a file too.", valueName: "file")) var junit: String?
    @Option(help: ArgumentHelp("Write a SARIF log to a file too.", valueName: "file")) var sarif: String?
    @Option(
        help: ArgumentHelp("Append Markdown to a file too. (default: $GITHUB_STEP_SUMMARY)", valueName: "file"))
    var summary: String?
    @Option(help: "Treatment of a budget that could not be measured. (default: exit status 3)")
    var inconclusive: GateReport.Inconclusive?
    @Argument(help: ArgumentHelp(Transport.help)) var image: NamedImage

    func run() async throws {
        var request = GateRequest(start: try options.start())
        (request.config, request.baseline, request.profile) = (config, baseline, profile)
        (request.instanceType, request.databases, request.inconclusive) = (instanceType, db, inconclusive)
        (request.junit, request.sarif, request.summary) = (junit, sarif, summary)
        let report = try await request.report(on: image, in: global.store(), TerminalHost())
        Terminal.print(report.printout(format, version: Version.text))
        if report.status != .done { throw ExitCode(report.status.rawValue) }
    }
}

extension GateReport.Inconclusive: ExpressibleByArgument {}
extension GateRequest.GateFormat: ExpressibleByArgument {}

public import ArgumentParser
import Glibc
public import Jobs
import Linux
import OCI
import Project
import SystemPackage

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
    @Option(help: "Output format; github and gitlab are annotations of these systems.") var format: Format = .text
    @Option(help: ArgumentHelp("Write JUnit XML to a file too.", valueName: "file")) var junit: String?
    @Option(help: ArgumentHelp("Write a SARIF log to a file too.", valueName: "file")) var sarif: String?
    @Option(
        help: ArgumentHelp("Append Markdown to a file too. (default: $GITHUB_STEP_SUMMARY)", valueName: "file"))
    var summary: String?
    @Option(help: "Treatment of a budget that could not be measured. (default: exit status 3)")
    var inconclusive: GateReport.Inconclusive?
    @Argument(help: ArgumentHelp(Transport.help)) var image: ImageArgument

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json, junit, sarif, markdown, github, gitlab
    }

    func run() async throws {
        let file = config ?? "thaw.toml"
        let (project, lines) = try ProjectFile.readWithLines(config, beside: ".")
        let store = try global.store()
        let base = try await gateBaseline(store)
        let platform = try profile.map {
            try PlatformCheck(profile: $0, instance: instanceType, wrangler: WranglerFile.find(in: "."))
        }
        guard !project.budget.isEmpty || base?.hasStart == true || platform != nil else {
            throw Failure.withoutBudget(file)
        }
        let subject = try await image.exportedImage(in: store)
        let check = GateCheck(
            in: store, project, file: file, lines: lines, start: try options.start(), platform: platform,
            databases: db.map { FilePath($0) }, host: TerminalHost())
        var report = try await check.report(on: subject, named: image.text, baseline: base, today: RFC3339.today)
        report.inconclusive = inconclusive
        try write(report)
        if report.status != .done { throw ExitCode(report.status.rawValue) }
    }

    private func write(_ report: GateReport) throws {
        if let junit { try replaceFile(junit, with: Array(report.junit.utf8)) }
        if let sarif { try replaceFile(sarif, with: Array(report.sarif(version: Thaw.version).text.utf8)) }
        if let file = summary.map({ FilePath($0) }) ?? GateSummary.file {
            try GateSummary.append(report.markdown, to: file)
        }
        switch format {
        case .text: Terminal.print(report.text)
        case .json: Terminal.print(report.document)
        case .junit: Terminal.print(report.junit)
        case .sarif: Terminal.print(report.sarif(version: Thaw.version))
        case .markdown: Terminal.print(report.markdown)
        case .github: Terminal.print(report.github)
        case .gitlab: Terminal.print(report.gitlab)
        }
    }

    private func gateBaseline(_ store: Store) async throws -> GateBaseline? {
        guard let text = baseline else { return nil }
        guard fileExists(FilePath(text)) else {
            return try await GateBaseline(ImageArgument(argument: text).exportedImage(in: store), named: text)
        }
        return try GateBaseline(reading: FilePath(text))
    }
}

extension RFC3339 {
    /// The date in UTC, as `2026-11-30`.
    static var today: String { String(text(Int64(time(nil))).prefix(10)) }
}

extension GateReport.Inconclusive: ExpressibleByArgument {}

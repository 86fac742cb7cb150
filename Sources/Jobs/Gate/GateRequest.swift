internal import Glibc
internal import Linux
public import OCI
internal import Project
internal import SystemPackage

/// The options of `thaw gate` as they were written.
public struct GateRequest: Sendable {
    /// The form of the printed report.
    public enum GateFormat: String, Sendable, CaseIterable {
        case text, json, junit, sarif, markdown, github, gitlab
    }

    /// The file with the budgets; nil for `thaw.toml` here.
    public var config: String?
    /// The image or report that growth is measured against.
    public var baseline: String?
    /// The platform whose rules are checked too.
    public var profile: String?
    /// The instance type of the platform.
    public var instanceType: String?
    /// The databases of vulnerabilities.
    public var databases: [String] = []
    /// The file that gets JUnit XML.
    public var junit: String?
    /// The file that gets a SARIF log.
    public var sarif: String?
    /// The file that Markdown is appended to; nil for the CI system's.
    public var summary: String?
    /// The treatment of unmeasured budgets.
    public var inconclusive: GateReport.Inconclusive?
    private let start: StartOptions

    /// Makes a request; only a budget of the start needs its options.
    public init(start: StartOptions) { self.start = start }

    /// Measures an image and writes the reports of the options.
    public func report(on name: NamedImage, in store: Store, _ host: any JobHost) async throws -> GateReport {
        let file = config ?? "thaw.toml"
        let (project, lines) = try ProjectFile.readWithLines(config, beside: ".")
        let base = try await base(in: store, host)
        let platform = try profile.map {
            try PlatformCheck(profile: $0, instance: instanceType, wrangler: WranglerFile.find(in: "."))
        }
        guard !project.budget.isEmpty || base?.hasStart == true || platform != nil else {
            throw Failure.withoutBudget(file)
        }
        let subject = try await name.exported(in: store, host)
        let check = GateCheck(
            in: store, project, file: file, lines: lines, start: start, platform: platform,
            databases: databases.map { FilePath($0) }, host: host)
        var report = try await check.report(on: subject, named: name.text, baseline: base, today: RFC3339.today)
        report.inconclusive = inconclusive
        try write(report, version: host.version)
        return report
    }

    /// Returns the baseline: a file, else an image.
    private func base(in store: Store, _ host: any JobHost) async throws -> GateBaseline? {
        guard let baseline else { return nil }
        guard fileExists(FilePath(baseline)) else {
            return try await GateBaseline(NamedImage(baseline).exported(in: store, host), named: baseline)
        }
        return try GateBaseline(reading: FilePath(baseline))
    }

    private func write(_ report: GateReport, version: String) throws {
        if let junit { try replaceFile(junit, with: Array(report.junit.utf8)) }
        if let sarif { try replaceFile(sarif, with: Array(report.sarif(version: version).text.utf8)) }
        guard let file = summary.map({ FilePath($0) }) ?? GateSummary.file else { return }
        try GateSummary.append(report.markdown, to: file)
    }
}

extension GateReport {
    /// Returns the report in a form.
    public func printout(_ format: GateRequest.GateFormat, version: String) -> Printout {
        switch format {
        case .text: .text(text)
        case .json: .document(document)
        case .junit: .text(junit)
        case .sarif: .document(sarif(version: version))
        case .markdown: .text(markdown)
        case .github: .text(github)
        case .gitlab: .document(gitlab)
        }
    }
}

extension RFC3339 {
    /// The date in UTC, as `2026-11-30`.
    static var today: String { String(text(Int64(time(nil))).prefix(10)) }
}

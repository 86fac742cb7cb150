import ArgumentParser
import Frontend
import Jobs
import Linux
import OCI
import SystemPackage

/// The command `thaw lint`.
struct LintCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lint",
        abstract: "Check a Dockerfile by BuildKit's checks, rules of hadolint, and the files of its images.",
        discussion: """
            The exit status is 1 if there is a finding. docs/lint.md lists all rules.
            Example: thaw lint --fix Dockerfile
            """)
    @OptionGroup var global: GlobalOptions
    @Option(help: "Output format.") var format: Format = .text
    @Option(help: ArgumentHelp("Rule to ignore. Can be repeated.", valueName: "rule")) var ignore: [String] = []
    @Option(help: ArgumentHelp("Set a build-time variable (ARG). Can be repeated.", valueName: "name=value"))
    var buildArg: [String] = []
    @Flag(help: "Write the fixes that can't change the image to the file; others are only shown.") var fix = false
    @Option(
        help: ArgumentHelp(
            "Settings in the form of .hadolint.yaml. (default: .hadolint.yaml beside the Dockerfile, or here)",
            valueName: "file")) var config: String?
    @Flag(
        inversion: .prefixedNo,
        help: "Ask the program shellcheck about RUN scripts. (default: if it is installed)") var shellcheck: Bool?
    @Option(
        help: ArgumentHelp("Image built from the Dockerfile; its files and layers are checked too.", valueName: "name"))
    var image: String?
    @Option(help: ArgumentHelp("Print the syntax tree instead of checking it.", valueName: "what"))
    var dump: Dump?
    @Argument(help: "Dockerfiles, or - for stdin. (default: Dockerfile)") var dockerfiles: [String] = []

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json, sarif
    }

    enum Dump: String, ExpressibleByArgument, CaseIterable {
        case ast
    }

    func run() async throws {
        let values = Dictionary(buildArg.map { Variable($0) }.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        let configuration = try config.map { try LintSettings.read(FilePath($0)) }
        var files: [(name: String, findings: [Frontend.LintFinding])] = []
        var sources: [String: [UInt8]] = [:]
        var hasFailed = false
        for name in dockerfiles.isEmpty ? ["Dockerfile"] : dockerfiles {
            var view = DockerfileView(name, arguments: values, openStore: global.existingStore)
            (view.ignored, view.result) = (Set(ignore), image)
            view.configuration = try configuration ?? LintSettings.find(for: FilePath(name))
            view.onNote = { Terminal.note($0) }
            view.asksShellCheck = shellcheck ?? ShellCheck.isInstalled
            if dump == .ast {
                Terminal.print(try view.tree())
                continue
            }
            var findings = try await view.findings()
            if fix { findings = try await write(findings, of: view, name) }
            hasFailed = hasFailed || findings.contains { isFailure($0, view.configuration) }
            files.append((name, findings))
            sources[name] = view.source
        }
        if dump != nil { return }
        switch format {
        case .text: Terminal.print(files.map { Frontend.Lint.text($0.findings, name: $0.name) }.joined())
        case .json: Terminal.print(json: Frontend.Lint.json(files))
        case .sarif: Terminal.print(json: Frontend.Lint.sarif(files, version: Thaw.version, sources: sources))
        }
        if hasFailed { throw ExitCode(CommandStatus.failed.rawValue) }
    }

    private func isFailure(_ finding: Frontend.LintFinding, _ configuration: LintConfiguration?) -> Bool {
        guard let threshold = (configuration ?? LintConfiguration()).failureThreshold else { return false }
        return finding.severity >= threshold
    }

    /// Writes the automatic fixes, says so, and returns the findings that are left.
    private func write(
        _ findings: [Frontend.LintFinding], of view: DockerfileView, _ name: String
    ) async throws -> [Frontend.LintFinding] {
        let fixable = findings.filter { !$0.edits.isEmpty }
        let lines = try view.fix(fixable)
        guard !lines.isEmpty else {
            Terminal.note("\(name): nothing to write; the fixes below are yours to decide on")
            return findings
        }
        let rules = Set(fixable.map(\.rule)).sorted().joined(separator: ", ")
        let places = lines.map(String.init).joined(separator: ", ")
        Terminal.note("\(name): wrote line\(lines.count == 1 ? "" : "s") \(places) (\(rules))")
        return try await view.findings()
    }
}

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
            The exit status is 1 if there is a finding.
            Example: thaw lint --fix Dockerfile
            """)
    @OptionGroup var global: GlobalOptions
    @Option(help: "Output format.") var format: Format = .text
    @Option(help: ArgumentHelp("Rule to ignore. Can be repeated.", valueName: "rule")) var ignore: [String] = []
    @Option(help: ArgumentHelp("Set a build-time variable (ARG). Can be repeated.", valueName: "name=value"))
    var buildArg: [String] = []
    @Flag(help: "Apply the automatic fixes to the file.") var fix = false
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
        var files: [(name: String, findings: [Frontend.LintFinding])] = []
        for name in dockerfiles.isEmpty ? ["Dockerfile"] : dockerfiles {
            var view = DockerfileView(name, arguments: values, openStore: global.existingStore)
            (view.ignored, view.result) = (Set(ignore), image)
            if dump == .ast {
                Terminal.print(try view.tree())
                continue
            }
            files.append((name, try await view.findings()))
            if fix { try view.fix(files[files.count - 1].findings) }
        }
        if dump != nil { return }
        switch format {
        case .text: Terminal.print(files.map { Frontend.Lint.text($0.findings, name: $0.name) }.joined())
        case .json: Terminal.print(json: Frontend.Lint.json(files))
        case .sarif: Terminal.print(json: Frontend.Lint.sarif(files, version: Thaw.version))
        }
        if files.contains(where: { !$0.findings.isEmpty }) { throw ExitCode(CommandStatus.failed.rawValue) }
    }
}

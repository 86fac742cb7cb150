import ArgumentParser
import Frontend
import Linux
import OCI
import SystemPackage

/// `thaw lint`
struct Lint: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a Dockerfile: BuildKit's checks, hadolint's valued rules, and what only the image can tell.",
        discussion: "Example: thaw lint --fix Dockerfile. The exit status is 1 when there is a finding.")
    @OptionGroup var global: GlobalOptions
    @Option(help: "text, json or sarif") var format: Format = .text
    @Option(help: ArgumentHelp("A rule to leave out; may be repeated.", valueName: "rule")) var ignore: [String] = []
    @Option(help: ArgumentHelp("A value for ARG; may be repeated.", valueName: "name=value")) var buildArg: [String] =
        []
    @Flag(help: "Write the mechanical fixes into the file.") var fix = false
    @Option(help: ArgumentHelp("The image built from it, to judge its files and layers too.", valueName: "name"))
    var image: String?
    @Option(help: ArgumentHelp("Print the syntax tree instead, before anything is judged: ast.", valueName: "what"))
    var dump: Dump?
    @Argument(help: "The Dockerfile.") var dockerfile = "Dockerfile"

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json, sarif
    }

    enum Dump: String, ExpressibleByArgument, CaseIterable {
        case ast
    }

    func run() async throws {
        let values = Dictionary(buildArg.map { Variable($0) }.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        var view = DockerfileView(dockerfile, arguments: values, global)
        (view.ignored, view.result) = (Set(ignore), image)
        if dump == .ast { return Terminal.print(try view.tree()) }
        let findings = try await view.findings()
        if fix { try view.fix(findings) }
        switch format {
        case .text: Terminal.print(Frontend.Lint.text(findings, name: dockerfile))
        case .json: Terminal.print(Frontend.Lint.json(findings, name: dockerfile))
        case .sarif: Terminal.print(Frontend.Lint.sarif(findings, name: dockerfile, version: Thaw.version))
        }
        if !findings.isEmpty { throw ExitCode(Status.failed.rawValue) }
    }
}

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
    @Argument(help: "The Dockerfiles; - for stdin. (default: Dockerfile)") var dockerfiles: [String] = []

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json, sarif
    }

    enum Dump: String, ExpressibleByArgument, CaseIterable {
        case ast
    }

    func run() async throws {
        let values = Dictionary(buildArg.map { Variable($0) }.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        var files: [(name: String, findings: [Frontend.Finding])] = []
        for name in dockerfiles.isEmpty ? ["Dockerfile"] : dockerfiles {
            var view = DockerfileView(name, arguments: values, global)
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
        if files.contains(where: { !$0.findings.isEmpty }) { throw ExitCode(Status.failed.rawValue) }
    }
}

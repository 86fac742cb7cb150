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
        let bytes = try read()
        if dump == .ast { return Terminal.print(try tree(bytes)) }
        let findings = try await findings(bytes)
        if fix {
            let fixed = Frontend.Lint.applying(findings, to: bytes)
            if fixed != bytes { try replaceFile(dockerfile, with: fixed) }
        }
        switch format {
        case .text: Terminal.print(Frontend.Lint.text(findings, name: dockerfile))
        case .json: Terminal.print(Frontend.Lint.json(findings, name: dockerfile))
        case .sarif: Terminal.print(Frontend.Lint.sarif(findings, name: dockerfile, version: Thaw.version))
        }
        if !findings.isEmpty { throw ExitCode(Status.failed.rawValue) }
    }

    private func read() throws -> [UInt8] {
        do {
            return try OwnedDescriptor(FilePath(dockerfile == "-" ? "/dev/stdin" : dockerfile)).readAll(limit: 64 << 20)
        } catch {
            throw Failure("\(error)", status: error.errno == .noSuchFileOrDirectory ? .usage : .failed)
        }
    }

    private func tree(_ bytes: [UInt8]) throws -> String {
        do {
            return try Dockerfile.dump(bytes, name: dockerfile)
        } catch {
            throw Failure("\(error)")
        }
    }

    private func findings(_ bytes: [UInt8]) async throws -> [Frontend.Finding] {
        let parsed: Dockerfile
        do {
            parsed = try Dockerfile(parsing: bytes, name: dockerfile)
        } catch {
            return Frontend.Lint.findings(for: error)
        }
        let host = PlatformArguments(os: Platform.host.os, architecture: Platform.host.architecture)
        let values = Dictionary(buildArg.map { Variable($0) }.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        var options = Frontend.Lint.Options(arguments: BuildArguments(values: values, build: host))
        options.ignored = Set(ignore)
        options.facts = try await LintFacts.gather(parsed, options.arguments, path: FilePath(dockerfile), global)
        return Frontend.Lint.check(parsed, options)
    }
}

import ArgumentParser
import Jobs
import TTY

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
    @Option(help: "Output format.") var format: FindingFormat = .text
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

    enum Dump: String, ExpressibleByArgument, CaseIterable {
        case ast
    }

    func run() async throws {
        let job = try LintJob(
            dockerfiles, arguments: buildArg, ignored: Set(ignore), configuration: config, image: image,
            asksShellCheck: shellcheck, host: TerminalHost(), openStore: global.existingStore)
        if dump == .ast { return try job.views.forEach { Terminal.print(try $0.tree()) } }
        let result = try await job.run(fixes: fix)
        switch format {
        case .text: Terminal.print(result.text)
        case .json: Terminal.print(json: result.json)
        case .sarif: Terminal.print(result.sarif(version: Version.text))
        }
        if result.hasFailed { throw ExitCode(CommandStatus.failed.rawValue) }
    }
}

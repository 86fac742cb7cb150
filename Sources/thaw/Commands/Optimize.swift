import ArgumentParser
import Jobs
import TTY

/// The command `thaw optimize`.
struct Optimize: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Build an image, slim it, start both, check budgets, and write a report.",
        discussion: """
            The exit status is 2 if the slim image exceeds a budget of thaw.toml. It is 1, and no image is stored, if \
            the probe results of the slim image differ from those of the original.
            Example: thaw optimize fixtures/apps/python-api -o out -t inventory:slim
            """)
    @OptionGroup var global: GlobalOptions
    @OptionGroup var buildOptions: BuildOptions
    @OptionGroup var slimOptions: SlimOptionGroup
    @OptionGroup var bootOptions: BootOptions
    @OptionGroup var proofArguments: ProofArguments
    @Option(help: ArgumentHelp("Project file. (default: CONTEXT/thaw.toml)", valueName: "file")) var config: String?
    @Option(
        name: [.customShort("o"), .long],
        help: ArgumentHelp(
            "Directory for report.json and report.html. (default: $XDG_STATE_HOME/thaw/NAME)", valueName: "dir"))
    var output: String?
    @Option(
        help: ArgumentHelp(
            """
            Changes that make the start faster, to try on the slim image: all, none, NAME,… or list. Each is kept only \
            if the proof holds and its measured effect is good. (default: all)
            """, valueName: "names"))
    var cures: String?
    @Option(
        name: [.customShort("t"), .long],
        help: ArgumentHelp("Name and optionally a tag of the slim image: NAME[:TAG].", valueName: "name"))
    var tag: String?
    @Flag(help: "Push the slim image if it keeps all budgets.") var push = false
    @OptionGroup var registry: RegistryOptions
    @OptionGroup var progress: ProgressArguments
    @Argument(help: "A directory with a Dockerfile, a git repository, the URL of a tar, or an image.") var subject = "."

    func run() async throws {
        var request = try OptimizeRequest(
            build: buildOptions.settings, slim: slimOptions.settings(), start: bootOptions.start(),
            proof: proofArguments.settings())
        (request.config, request.output, request.tag, request.pushes) = (config, output, tag, push)
        request.cures = cures
        (request.registry, request.progress) = (registry.settings, progress.style)
        let host = TerminalHost(isQuiet: progress.style == .quiet, style: progress.style)
        let holds = try await request.run(subject, in: global.store(), host) { Terminal.print($0) }
        if !holds { throw ExitCode(CommandStatus.gateBroken.rawValue) }
    }
}

import ArgumentParser
import Jobs
import Project
import TTY

/// The command `thaw build`.
struct BuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build", abstract: "Build an image from a Dockerfile.",
        discussion: """
            Example: thaw build -t app:latest --build-arg VERSION=2 .
            Example: thaw build --memory 512m --cpus 1 --timeout 10m .
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var options: BuildOptions
    @OptionGroup var limits: StepLimitArguments

    @Option(help: ArgumentHelp("Time limit of the whole build, such as 1h.", valueName: "time"))
    var buildTimeout: String?

    @Option(
        name: [.customShort("t"), .long],
        help: ArgumentHelp("Name and optionally a tag of the image: NAME[:TAG]. Can be repeated.", valueName: "name"))
    var tag: [String] = []

    @OptionGroup var outputs: OutputOptions

    @Option(
        help: ArgumentHelp(
            "Write the image ID (the configuration's digest; of several platforms the index's) to a file.",
            valueName: "file"))
    var iidfile: String?

    @Option(help: ArgumentHelp("Write build result metadata (digests, steps) to a file as JSON.", valueName: "file"))
    var metadataFile: String?

    @OptionGroup var progress: ProgressArguments

    @OptionGroup var attestations: AttestationArguments

    @Flag(help: "Shorthand for --call check.")
    var check = false

    @Option(
        help: ArgumentHelp(
            "Method of evaluation: build, check, outline or targets; with ,format=json for scripts.",
            valueName: "method"))
    var call = "build"

    @Flag(help: "Build twice without the cache, and fail at the first difference of the images.")
    var verify = false

    @Argument(
        help:
            "Build context: a directory, git repository, URL of a tar, or - for a tar or Dockerfile on stdin."
    )
    var context = "."

    func run() async throws {
        let attestations = try attestations.request()
        if check || call != "build" { return try await show() }
        var settings = options.settings
        (settings.run.limits, settings.timeout) = (limits.limits, buildTimeout)
        let build = BuildJob(settings, in: try global.store(), progress: progress.style, host: TerminalHost())
        var written = outputs.settings
        (written.names, written.idFile, written.metadataFile) = (tag, iidfile, metadataFile)
        let job = try OutputJob(build, to: written, attestations: attestations)
        let id = try await job.run(context, isVerified: verify)
        job.fillsStandardOutput ? Terminal.report("\(id)") : Terminal.print("\(id)")
    }

    private func show() async throws {
        let path = try BuildSources(context, file: options.file).path()
        let view = DockerfileView(
            path, arguments: buildArguments(options.buildArg, ProjectFile()), openStore: global.existingStore)
        let answer = try await view.answer(to: check && call == "build" ? "check" : call, target: options.target)
        answer.isJSON ? Terminal.print(json: answer.text) : Terminal.print(answer.text)
        if answer.hasFailed { throw ExitCode(CommandStatus.failed.rawValue) }
    }
}

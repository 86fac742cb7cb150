import Analysis
import ArgumentParser
import Build
import Jobs
import Linux
import OCI
import Project
import Proof
import Registry
import Slim
import SystemPackage

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
        if try CureChoice(cures, nil) == .list { return Terminal.print(CureChoice.listing) }
        let store = try global.store()
        let lease = try store.lease()
        let isDirectory = fileExists(FilePath(subject))
        let isContext = try isDirectory || BuildSources.isRemote(subject)
        let host = TerminalHost(isQuiet: progress.style == .quiet, style: progress.style)
        var project = try ProjectFile.read(config, beside: FilePath(isDirectory ? subject : "."))
        if isDirectory, buildOptions.file == nil {
            project = try project.completed(
                byWranglerIn: FilePath(subject), profile: .cloudflareContainers
            ) { host.report($0) }
        }
        let name = try tag.map(reference)
        if !isContext, tag != nil { try SlimName(tag, of: Transport(subject), replaces: false).expectOther() }
        if output == "-" {
            throw Failure(
                "-o names the directory of the report, which has two files",
                remedy: "-o DIR, then read DIR/report.json",
                status: .usage)
        }
        if push, name == nil { throw Failure("--push needs a name", remedy: "add -t NAME", status: .usage) }
        if !isContext, subject.hasPrefix(".") || subject.hasPrefix("/") {
            throw Failure("there is no directory '\(subject)'", status: .usage)
        }
        // A missing image is reported before a missing probe. A context is built only after the probe was checked.
        let named = isContext ? nil : try await ImageArgument(argument: subject).exportedImage(in: store)
        let boot = try BootJob(bootOptions.start(), project, host: host)
        let proof = try proofArguments.settings()
        let chosen = try CureChoice(cures, project.cures).cures
        let build = named == nil ? try await build(project, in: store) : nil
        guard let image = named ?? build?.image else { preconditionFailure("a context was built") }
        let title = isDirectory ? ReportPlace.name(of: subject) : subject
        let job = OptimizeJob(
            image, name: title, slimName: tag, boot: try boot.choosingProbe(for: image), in: store,
            budget: project.budget(on: RFC3339.today), policy: try SecretPolicy(project, file: "thaw.toml"), host: host)
        let layers = try SlimLayers(named: slimOptions.layers, of: image, in: store)
        let level =
            try slimOptions.slimLevel() ?? .standard(isProbed: true, observes: proofArguments.observe, isVerified: true)
        let result = try await job.run(proof, cures: chosen) {
            try slimOptions.options(project, level: level, layers: layers, observed: $0)
        }
        let directory = output.map { FilePath($0) } ?? ReportPlace.directory(for: subject)
        try write(result, build, to: directory)
        Terminal.print(result.summary(report: directory.appending("report.html").string))
        try result.verification.require()
        if let name {
            try store.publish(result.after.image, as: name)
            if push, result.verdict.holds {
                try await registry.client(progress.style).push(result.after.image, to: name, hints: store)
            }
        } else {
            host.note("the slim image is not kept; -t NAME keeps it")
        }
        try lease.release()
        if !result.verdict.holds { throw ExitCode(CommandStatus.gateBroken.rawValue) }
    }

    private func build(_ project: ProjectFile, in store: Store) async throws -> BuildResult {
        try await buildOptions.build(context: subject, in: store, progress: progress.style, project: project)
    }

    private func write(_ result: Optimization, _ build: BuildResult?, to path: FilePath) throws {
        var document = result.document
        document["build"] = build?.summary
        let directory = try Directory.make(path)
        try directory.replace("report.json", with: Array(document.text.utf8))
        try directory.replace("report.html", with: Array(result.page.html.utf8))
    }
}

import ArgumentParser
import ImageFiles
import Jobs
import Linux
import OCI
import Probe
import Project
import Proof
import Slim
import SystemPackage

/// The command `thaw slim`.
struct SlimCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slim", abstract: "Reduce an image to the files that its program needs.",
        discussion: """
            With --probe and --exec, both images are started and probed, and the files that the original opens are \
            kept. If the probe results differ, no image is stored and the exit status is 1. The original is never \
            replaced.
            Example: thaw slim app:latest -t app:slim --include '/srv/**' --keep shell
            """)
    @OptionGroup var global: GlobalOptions
    @OptionGroup var options: SlimOptionGroup
    @Option(
        help: ArgumentHelp(
            """
            Probe both images and compare the results: http:PORT/PATH, tcp:PORT, exec:COMMAND (no shell) or log:REGEX. \
            Can be repeated.
            """, valueName: "probe"))
    var probe: [String] = []
    @OptionGroup var machine: StartArguments
    @OptionGroup var proofArguments: ProofArguments
    @Option(help: "Output format.") var format: OutputFormat = .text
    @Option(
        name: [.customShort("t"), .long],
        help: ArgumentHelp(
            "Name and optionally a tag of the slim image: NAME[:TAG]. (default: IMAGE:slim)", valueName: "name"))
    var tag: String?
    @Option(help: ArgumentHelp("Print why a path is kept or dropped, and write no image.", valueName: "path"))
    var explain: String?
    @Argument(help: ArgumentHelp(Transport.help)) var image: ImageArgument

    func run() async throws {
        let store = try global.store()
        let name = explain == nil ? try SlimName.choose(tag, for: image.text) : nil
        let proof = try ProofRunner(
            probes: probe.map { try ProbeAction(parsing: $0) }, commands: proofArguments.commands(),
            recordsOpenedFiles: proofArguments.observe, start: machine.start(), in: store, host: TerminalHost())
        let found = try await image.exportedImage(in: store)
        // The plan, the rewriting and the probing each read all layers.
        let original = found.reading(from: PlainLayers(found.source, in: store.path))
        let lease = try store.lease()
        let record = try await proof?.record(of: original)
        if let warning = record?.openedFiles.warning { Terminal.report(warning) }
        let job = try await SlimJob(
            ImageFiles(of: original), options: options.options(ProjectFile(), observed: record?.openedFiles.paths ?? [])
        )
        if let explain { return Terminal.print(try job.explanation(of: explain)) }
        var result = try await job.write(to: store)
        if let proof, let record {
            let verification = try await Verification(result.image, against: record, of: original, by: proof)
            try verification.require()
            result.verification = verification
        }
        if let name { try store.publish(result.image, as: name) }
        try lease.release()
        switch format {
        case .text:
            Terminal.print(job.text(result))
            if let name, tag == nil { Terminal.note("the slim image is '\(name.familiar)'") }
        case .json: Terminal.print(result.document)
        }
    }
}

/// The options of slimming, shared by several commands.
struct SlimOptionGroup: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Keep a group of files: shell, certs, tzdata, locales or packages. Can be repeated.", valueName: "group"))
    var keep: [String] = []
    @Option(
        help: ArgumentHelp(
            "Keep paths and the files that they need; * and ** as in .dockerignore. Can be repeated.",
            valueName: "glob"))
    var include: [String] = []
    @Option(help: ArgumentHelp("Drop paths, even if they are needed. Can be repeated.", valueName: "glob"))
    var exclude: [String] = []

    /// Returns the options, with those of the project's file and the files opened while the image ran.
    func options(_ project: ProjectFile, observed: [[UInt8]] = []) throws -> SlimOptions {
        do {
            return SlimOptions(
                keep: Set(try (keep + project.slim.keep).map { try KeepOption(named: $0) }),
                include: try (include + project.slim.include).map { try ImagePathPattern($0) },
                exclude: try (exclude + project.slim.exclude).map { try ImagePathPattern($0) }, observed: observed)
        } catch {
            throw Failure("\(error)", status: .usage)
        }
    }
}

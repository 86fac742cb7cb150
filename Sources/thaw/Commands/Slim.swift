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
            kept; the image's HEALTHCHECK runs too. If the results differ, no image is stored and the exit status is \
            1. Without them nothing is proven, so only files that no program reads are dropped (--level safe). The \
            image is stored as NAME:slim.
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
            "Name and optionally a tag of the slim image: NAME[:TAG]. (default: NAME:slim)", valueName: "name"))
    var tag: String?
    @Flag(help: "Let the slim image take the name of its source.") var replace = false
    @Flag(inversion: .prefixedNo, help: "Store the slim image only if it is proven, or of level safe.")
    var verify = true
    @Option(
        help: ArgumentHelp(
            "Print why paths are kept or dropped, and write no image; a path, or a pattern with * and **.",
            valueName: "path"))
    var explain: String?
    @Argument(help: ArgumentHelp(Transport.help)) var image: ImageArgument

    func run() async throws {
        let (store, host) = (try global.store(), TerminalHost())
        let name = explain == nil ? try SlimName(tag, of: Transport(image.text), replaces: replace) : nil
        let settings = try proofArguments.settings()
        let runner = try ProofRunner(
            probes: probe.map { try ProbeAction(parsing: $0) }, settings: settings, start: machine.start(), in: store,
            host: host)
        let level =
            try options.slimLevel()
            ?? .standard(isProbed: runner != nil, observes: proofArguments.observe, isVerified: verify)
        if explain == nil { try level.expectProof(isProbed: runner != nil, isVerified: verify) }
        let found = try await image.exportedImage(in: store)
        if !found.isSlim { try name?.expectOther() }
        let proof = runner?.checkingHealth(of: found.config)
        // The plan, the rewriting and the probing each read all layers.
        let original = found.reading(from: PlainLayers(found.source, in: store.path))
        let lease = try store.lease()
        let traces = try await proof?.traces(of: original, settings, host: host)
        let files = try await ImageFiles(of: original)
        let layers = try SlimLayers(named: options.layers, of: found, in: store)
        func slimOptions(_ observed: [[UInt8]]) throws -> SlimOptions {
            try options.options(ProjectFile(), level: level, layers: layers, observed: observed)
        }
        let plan = try SlimJob(files, options: slimOptions(traces?.openedFiles ?? []))
        for pattern in plan.plan.vainIncludes { host.note("--include '\(pattern)' matches nothing in the image") }
        if let explain {
            let explanation = try plan.explanation(of: explain)
            return format == .json ? Terminal.print(explanation.document) : Terminal.print(explanation.text)
        }
        guard let name else { preconditionFailure("a slim image has a name") }
        if plan.unchanged() == nil { try name.expectOther() }
        let (job, result) = try await plan.finished(
            of: original, in: store, by: verify ? proof : nil, traces, observes: settings.observes, slimOptions)
        try result.verification?.require()
        if !result.isUnchanged || name.isRequested { try store.publish(result.image, as: name.reference) }
        try lease.release()
        format == .json ? Terminal.print(result.document) : Terminal.print(job.text(result))
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
    @Option(
        help: ArgumentHelp(
            "Drop paths; a program or library that a kept file needs is refused. Can be repeated.", valueName: "glob"))
    var exclude: [String] = []

    @Option(
        help: ArgumentHelp(
            """
            Files that may be dropped: safe (caches, manuals, package managers), closure (everything that nothing \
            needs) or trace (also files of used packages that were not opened and that no program names). \
            (default: trace with a probe, closure with --no-observe or --no-verify, else safe)
            """, valueName: "level"))
    var level: String?

    @Option(
        help: ArgumentHelp(
            """
            Layers: flat (one), keep (those of the base image stay untouched) or auto (as many of the lowest ones as cost \
            at most 5 %).
            """, valueName: "layers"))
    var layers = "auto"

    /// Returns the level of `--level`; nil without it.
    func slimLevel() throws -> SlimLevel? { try SlimLevel(named: level) }

    /// Returns the options, with those of the project's file and the files opened while the image ran.
    func options(
        _ project: ProjectFile, level: SlimLevel, layers: SlimLayers, observed: [[UInt8]] = []
    ) throws -> SlimOptions {
        do {
            var options = SlimOptions(
                level: level, keep: Set(try (keep + project.slim.keep).map { try KeepOption(named: $0) }),
                include: try (include + project.slim.include).map { try ImagePathPattern($0) },
                exclude: try (exclude + project.slim.exclude).map { try ImagePathPattern($0) }, observed: observed)
            options.layers = layers
            return options
        } catch {
            throw Failure("\(error)", status: .usage)
        }
    }
}

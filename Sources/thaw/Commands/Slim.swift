import ArgumentParser
import Jobs
import TTY

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
    @Argument(help: ArgumentHelp(Transport.help)) var image: NamedImage

    func run() async throws {
        var job = try SlimRun(
            options.settings(), proof: proofArguments.settings(), probes: probe, start: machine.start())
        (job.isJSON, job.tag, job.replacesSource) = (format == .json, tag, replace)
        (job.isVerified, job.explained) = (verify, explain)
        Terminal.print(try await job.run(image, in: global.store(), TerminalHost()))
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
    var layers = "flat"

    /// Returns the values of the options.
    func settings() throws -> SlimSettings {
        try SlimSettings(keep: keep, include: include, exclude: exclude, level: level, layers: layers)
    }
}

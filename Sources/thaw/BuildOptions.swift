public import ArgumentParser
import Jobs
public import OCI

/// The options of a build, shared by several commands.
struct BuildOptions: ParsableArguments {
    @Option(
        name: [.customShort("f"), .long],
        help: ArgumentHelp(
            """
            Name of the Dockerfile: a file, a URL or - for stdin; inside CONTEXT if that is no directory. (default: \
            CONTEXT/Dockerfile)
            """, valueName: "path"))
    var file: String?

    @Option(
        help: ArgumentHelp(
            """
            Additional build context for FROM and --from: a directory, docker-image://REF, oci-layout://DIR[:TAG], \
            target:STAGE, a git repository or a URL. Can be repeated.
            """, valueName: "name=value"))
    var buildContext: [String] = []

    @Option(help: ArgumentHelp("Target build stage. (default: the last)", valueName: "stage"))
    var target: String?

    @Option(
        help: ArgumentHelp(
            "Set a build-time variable (ARG); without =value it comes from the environment. Can be repeated.",
            valueName: "name=value"))
    var buildArg: [String] = []

    @Option(help: ArgumentHelp("Set a label of the image. Can be repeated.", valueName: "name=value"))
    var label: [String] = []

    @Flag(help: "Do not use the cache when building the image.")
    var noCache = false

    @Option(
        help: ArgumentHelp("Do not use the cache for these stages (STAGE,...). Can be repeated.", valueName: "stages"))
    var noCacheFilter: [String] = []

    @Flag(help: "Always attempt to pull all referenced images.") var pull = false

    @Flag(help: "Print for every step whether it was cached, and each input that changed.")
    var why = false

    @Flag(help: "Fail at the first step that is not cached, and name the inputs that changed.")
    var expectCached = false

    @OptionGroup var run: RunArguments
    @Option(
        help: ArgumentHelp(
            "External cache source: type=local,src=DIR or type=registry,ref=NAME, also an image with an inline cache. "
                + "Can be repeated.", valueName: "cache"))
    var cacheFrom: [String] = []

    @Option(
        help: ArgumentHelp(
            "Cache export destination: type=local,dest=DIR, type=registry,ref=NAME or type=inline; with mode=max for "
                + "all stages. Can be repeated.", valueName: "cache"))
    var cacheTo: [String] = []

    @Option(
        help: ArgumentHelp(
            "Target platforms (OS/ARCH[/VARIANT],...). (default: $DOCKER_DEFAULT_PLATFORM, or this machine's)",
            valueName: "os/arch"))
    var platform: String?

    @Option(help: "Compression of layers, by default gzip.")
    var compression: OCI.Compression?

    @Option(help: ArgumentHelp("Number of stages that are built at once.", valueName: "count"))
    var jobs = 2

    /// Returns the values of the options.
    var settings: BuildSettings {
        var all = BuildSettings()
        (all.file, all.contexts, all.target, all.arguments) = (file, buildContext, target, buildArg)
        (all.labels, all.usesCache, all.uncachedStages) = (label, !noCache, noCacheFilter)
        (all.pullsImages, all.explainsMisses, all.expectsCache) = (pull, why, expectCached)
        (all.cacheSources, all.cacheTargets) = (cacheFrom, cacheTo)
        (all.platform, all.compression, all.width) = (platform, compression, jobs)
        all.run = run.settings
        return all
    }
}

extension OCI.Compression: ExpressibleByArgument {}

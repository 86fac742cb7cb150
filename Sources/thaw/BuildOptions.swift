public import ArgumentParser
import Build
import Jobs
import Linux
public import OCI
import Project
import Sandbox

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
    @OptionGroup var cache: CacheArguments

    @Option(
        help: ArgumentHelp(
            "Target platforms (OS/ARCH[/VARIANT],...). (default: $DOCKER_DEFAULT_PLATFORM, or this machine's)",
            valueName: "os/arch"))
    var platform: String?

    @Option(help: "Compression of layers, by default gzip.")
    var compression: OCI.Compression?

    @Option(help: ArgumentHelp("Number of stages that are built at once.", valueName: "count"))
    var jobs = 2

    /// Builds `context` for one platform.
    func build(
        context: String, in store: Store, progress: ProgressStyle, project: ProjectFile = ProjectFile(),
        limits: (inout BuildRequest) throws -> Void = { _ in }
    ) async throws -> BuildResult {
        let results = try await builds(
            context: context, in: store, progress: progress, project: project, limits: limits)
        guard results.count == 1 else { throw Failure("this command builds for one platform", status: .usage) }
        return results[0]
    }

    /// Builds `context` for each platform; an option takes precedence over the project's file.
    ///
    /// - Parameters:
    ///   - compression: The compression of layers without `--compression`.
    ///   - isDeferred: True if layers stay plain until an export compresses them.
    ///   - limits: Adds the command's own limits of RUN to the request.
    func builds(
        context: String, in store: Store, progress: ProgressStyle, project: ProjectFile = ProjectFile(),
        compression: OCI.Compression? = nil, isDeferred: Bool = false,
        limits: (inout BuildRequest) throws -> Void = { _ in }
    ) async throws -> [BuildResult] {
        let places = try BuildSources(context, file: file, project)
        var request = BuildRequest(context: places.context, dockerfile: places.dockerfile)
        request.missingImage = Registries.bases(for: store, try Registries.client(progress))
        request.pullsImages = pull
        request.web = try Registries.http(version: Thaw.version)
        request.contexts = try BuildSources.contexts(buildContext)
        request.target = target ?? project.build.target
        request.arguments = try arguments(project)
        request.labels = try pairs(label, "--label")
        request.usesCache = !noCache
        let filtered = noCacheFilter.flatMap { $0.split(separator: ",") }
        request.uncachedStages = Set(filtered.map { $0.trimmingPrefix(while: \.isWhitespace).lowercased() })
        request.expectsCache = expectCached
        try run.apply(to: &request)
        try limits(&request)
        request.compression = self.compression ?? compression ?? .gzip
        request.defersCompression = isDeferred
        request.width = max(1, jobs)
        request.epoch = try sourceDateEpoch(request.arguments)
        let view = BuildProgress(progress, explainsMisses: why, host: TerminalHost())
        defer { view.end() }
        if progress != .quiet, let loneliness = UserNamespace.singleUserRemedy { Terminal.note(loneliness) }
        var results: [BuildResult] = []
        _ = try cache.exports()
        if try platforms().count > 1, context == "-" || file == "-" {
            throw Failure(
                "standard input can be read only once, but each platform reads it",
                remedy: "give a directory, and the Dockerfile with -f", status: .usage)
        }
        for platform in try platforms() {
            request.platform = platform
            request.caches = try await cache.imports(for: platform)
            results.append(try await Builder(request, store: store, progress: { view.take($0) }).build())
        }
        return results
    }

    /// Returns the platforms of `--platform`.
    func platforms() throws -> [Platform] { try Platform.list(platform) }

    /// Returns the values of ARG.
    func arguments(_ project: ProjectFile) throws -> [String: String] { buildArguments(buildArg, project) }

    /// True for `--build-arg BUILDKIT_INLINE_CACHE=1`, the older form of `--cache-to type=inline`.
    func requestsInlineCache() throws -> Bool {
        ["1", "t", "true"].contains(try arguments(ProjectFile())["BUILDKIT_INLINE_CACHE"]?.lowercased())
    }

    /// Returns the options that a provenance states.
    func parameters() throws -> BuildParameters {
        BuildParameters(
            target: target, isCached: !noCache, arguments: try arguments(ProjectFile()),
            labels: try pairs(label, "--label"))
    }
}

extension OCI.Compression: ExpressibleByArgument {}

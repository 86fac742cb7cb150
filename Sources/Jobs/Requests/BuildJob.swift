public import Build
public import OCI
public import Project
internal import Sandbox

/// The build of a context, for one platform or several.
public struct BuildJob: Sendable {
    let settings: BuildSettings
    let store: Store
    let style: ProgressStyle
    let host: any JobHost

    /// Makes a job.
    public init(_ settings: BuildSettings, in store: Store, progress style: ProgressStyle, host: any JobHost) {
        (self.settings, self.store, self.style, self.host) = (settings, store, style, host)
    }

    /// Builds a context for the only platform.
    public func build(_ context: String, _ project: ProjectFile = ProjectFile()) async throws -> BuildResult {
        let results = try await builds(context, project)
        guard results.count == 1 else { throw Failure("this command builds for one platform", status: .usage) }
        return results[0]
    }

    /// Builds a context for each platform.
    ///
    /// - Parameters:
    ///   - compression: The compression of layers without `--compression`.
    ///   - isDeferred: True if layers stay plain until an export compresses them.
    func builds(
        _ context: String, _ project: ProjectFile = ProjectFile(), compression: Compression? = nil,
        isDeferred: Bool = false
    ) async throws -> [BuildResult] {
        let places = try BuildSources(context, file: settings.file, project)
        var request = BuildRequest(context: places.context, dockerfile: places.dockerfile)
        request.missingImage = Registries.bases(for: store, try host.registryClient(style) { _ in })
        request.web = try Registries.http(version: host.version)
        try settings.apply(to: &request, project)
        request.compression = settings.compression ?? compression ?? .gzip
        request.defersCompression = isDeferred
        let view = BuildProgress(style, explainsMisses: settings.explainsMisses, host: host)
        defer { view.end() }
        if style != .quiet, let remedy = UserNamespace.singleUserRemedy { host.note(remedy) }
        // Wrong usage is reported before the build.
        _ = try settings.cacheExports()
        let platforms = try settings.platforms()
        if platforms.count > 1, context == "-" || settings.file == "-" {
            throw Failure(
                "standard input can be read only once, but each platform reads it",
                remedy: "give a directory, and the Dockerfile with -f", status: .usage)
        }
        var results: [BuildResult] = []
        for platform in platforms {
            request.platform = platform
            request.caches = try await settings.cacheImports(for: platform, host)
            results.append(try await Builder(request, store: store, progress: { view.take($0) }).build())
        }
        return results
    }

    /// Builds twice without the cache, and fails at the first difference of the images.
    ///
    /// The second build runs another number of stages at once, so that dependence on their order shows too.
    func verified(_ context: String, compression: Compression?) async throws -> BuildResult {
        var settings = settings
        settings.usesCache = false
        settings.compression = settings.compression ?? compression
        let first = try await BuildJob(settings, in: store, progress: style, host: host).build(context)
        settings.width = settings.width == 1 ? 2 : 1
        let second = try await BuildJob(settings, in: store, progress: style, host: host).build(context)
        try await Reproducibility.expectSame(first, second) { host.report($0) }
        return first
    }
}

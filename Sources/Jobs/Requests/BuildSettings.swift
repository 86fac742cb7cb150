public import Build
internal import Linux
public import OCI
internal import Project
public import Sandbox
internal import SystemPackage

/// The options of a build as they were written, which ``BuildJob`` parses.
public struct BuildSettings: Sendable {
    /// The Dockerfile: a file, a URL or `-`; nil for the context's.
    public var file: String?
    /// The values `NAME=VALUE` of `--build-context`.
    public var contexts: [String] = []
    /// The stage; nil for the last.
    public var target: String?
    /// The values of `--build-arg`.
    public var arguments: [String] = []
    /// The values of `--label`.
    public var labels: [String] = []
    /// False to run every step.
    public var usesCache = true
    /// Lists of stages that don't use the cache.
    public var uncachedStages: [String] = []
    /// True to look up images in their registry even if the store has them.
    public var pullsImages = false
    /// True to report the reason of each step.
    public var explainsMisses = false
    /// True to fail at a step that is not cached.
    public var expectsCache = false
    /// The options of RUN.
    public var run = RunSettings()
    /// The time limit of the build; nil for none.
    public var timeout: String?
    /// The values of `--cache-from`.
    public var cacheSources: [String] = []
    /// The values of `--cache-to`.
    public var cacheTargets: [String] = []
    /// The list of platforms; nil for the default.
    public var platform: String?
    /// The compression of layers; nil for that of the outputs.
    public var compression: OCI.Compression?
    /// The number of stages that are built at once.
    public var width = 2

    /// Makes settings without any option.
    public init() {}

    /// Returns the platforms.
    func platforms() throws -> [Platform] { try Platform.list(platform) }

    /// Parses the caches to write.
    func cacheExports() throws -> [CacheLocation] {
        try cacheTargets.map { try CacheLocation($0, "--cache-to", path: "dest") }
    }

    /// Reads the caches of `--cache-from`; one that doesn't exist, or can't be reached, is skipped with a note.
    func cacheImports(for platform: Platform, _ host: any JobHost) async throws -> [CacheImport] {
        var imports: [CacheImport] = []
        for text in cacheSources {
            let place = try CacheLocation(text, "--cache-from", path: "src")
            if let cache = try await place.steps(for: platform, named: text, host) {
                imports.append(cache)
            }
        }
        return imports
    }

    /// True for `--build-arg BUILDKIT_INLINE_CACHE=1`, the older form of `--cache-to type=inline`.
    func requestsInlineCache() -> Bool {
        ["1", "t", "true"].contains(
            buildArguments(arguments, ProjectFile())["BUILDKIT_INLINE_CACHE"]?.lowercased())
    }

    /// Returns the options that a provenance states.
    func parameters() throws -> BuildParameters {
        BuildParameters(
            target: target, isCached: usesCache, arguments: buildArguments(arguments, ProjectFile()),
            labels: try pairs(labels, "--label"))
    }

    /// Adds the parsed values to a request; an option takes precedence over the project's file.
    func apply(to request: inout BuildRequest, _ project: ProjectFile) throws {
        request.pullsImages = pullsImages
        request.contexts = try BuildSources.contexts(contexts)
        request.target = target ?? project.build.target
        request.arguments = buildArguments(arguments, project)
        request.labels = try pairs(labels, "--label")
        request.usesCache = usesCache
        let stages = uncachedStages.flatMap { $0.split(separator: ",") }
        request.uncachedStages = Set(
            stages.map { $0.trimmingPrefix(while: \.isWhitespace).lowercased() })
        request.expectsCache = expectsCache
        try run.apply(to: &request)
        request.timeout = try timeout.map { try RunLimit.time($0, "--build-timeout") }
        request.width = max(1, width)
        request.epoch = try sourceDateEpoch(request.arguments)
    }
}

/// The options of RUN as they were written.
public struct RunSettings: Sendable {
    /// The values of `--secret`.
    public var secrets: [String] = []
    /// The values of `--ssh`.
    public var agents: [String] = []
    /// The permissions that a Dockerfile may use.
    public var entitlements: [BuildRequest.Entitlement] = []
    /// The network.
    public var network = BuildRequest.RunNetwork.default
    /// The values of `--add-host`.
    public var hosts: [String] = []
    /// The values of `--ulimit`.
    public var ulimits: [String] = []
    /// The size of /dev/shm; nil for the default.
    public var sharedMemory: String?
    /// The values `NAME=VALUE` of `--resource`.
    public var resources: [String] = []
    /// The limits with options of their own.
    public var limits: KeyValuePairs<RunLimit, String?> = [:]
    /// The isolation; nil for the strongest that works.
    public var isolation: Isolation?
    /// The detection of changed files with chroot isolation.
    public var comparison = RootChanges.ChangeDetection.marks
    /// The user namespace.
    public var users = Users.separate
    /// The path of an OCI runtime; nil for thaw's own sandbox.
    public var runtime: String?

    /// Makes settings without any option.
    public init() {}

    /// Adds the parsed values to a request.
    func apply(to request: inout BuildRequest) throws {
        request.network = network
        request.run.users = users
        request.entitlements = Set(entitlements)
        for text in secrets {
            let (id, secret) = try Secret.parse(text)
            request.secrets[id] = secret
        }
        for text in agents {
            let (id, agent) = try SSHAgent.parse(text)
            request.agents[id] = agent
        }
        do {
            request.run.hosts = try hosts.map { try HostEntry(parsing: $0) }
            request.run.limits = try ulimits.map { try Limit(parsing: $0) }
        } catch {
            throw Failure("\(error)", status: .usage)
        }
        request.run.isolation = isolation
        request.run.comparison = comparison
        request.run.sharedMemorySize = try sharedMemory.map { Int(try size($0, "--shm-size")) }
        if let runtime {
            guard fileExists(FilePath(runtime)) else {
                throw Failure("--oci-runtime '\(runtime)' does not exist", status: .usage)
            }
            request.run.runtime = OCIRuntime(FilePath(runtime))
        }
        for text in resources { try RunLimit.apply(resource: text, to: &request.run) }
        try RunLimit.apply(limits, to: &request.run)
    }
}

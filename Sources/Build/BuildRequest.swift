public import HTTP
public import OCI
public import Sandbox

/// What is to be built, and how.
public struct BuildRequest: Sendable {
    /// What COPY and ADD read; nil where there is nothing.
    public var context: ContextLocation?
    /// Where the Dockerfile is.
    public var dockerfile: DockerfileLocation
    /// `--build-context`, by name: each replaces the stage or the image of its name.
    public var contexts: [String: ContextLocation] = [:]
    /// Where an image comes from that the store does not have; nil where there is none.
    public var missingImage: MissingImage = { _, _ in nil }
    /// Finds an image elsewhere than in the store.
    public typealias MissingImage = @Sendable (_ name: Reference, _ platform: Platform) async throws -> Image?
    /// How servers are reached.
    public var web = Configuration()
    /// How many bytes a file on the web may have.
    public var downloadLimit: Int64 = 64 << 30
    /// The stage to build; nil for the last.
    public var target: String?
    /// `--build-arg`.
    public var arguments: [String: String] = [:]
    /// `--label`, applied last.
    public var labels: [String: String] = [:]
    /// Whether earlier results may be used.
    public var usesCache = true
    /// The stages, by lower-case name or by number, that may not use earlier results.
    public var uncachedStages: Set<String> = []
    /// Whether the build ends with an error where a step has no earlier result.
    public var expectsCache = false
    /// What RUN reaches where it doesn't say.
    public var network = Network.default
    /// What the image is for.
    public var platform = Platform.host
    /// How new layers are stored.
    public var compression = OCI.Compression.gzip
    /// Seconds since 1970 that no time in the result may exceed; nil means the newest input of each step.
    public var epoch: Int64?
    /// How many stages are built at once.
    public var width = 2

    /// `--cache-from`, in the order in which they are asked.
    public var caches: [CacheImport] = []
    /// `--secret`, by id.
    public var secrets: [String: Secret] = [:]
    /// `--ssh`, by id.
    public var agents: [String: Agent] = [:]
    /// `--allow`.
    public var entitlements: Set<Entitlement> = []
    /// How commands are confined.
    public var run = RunOptions()
    /// How long the whole build may take; nil for no limit.
    public var timeout: Duration?

    /// What a command reaches.
    public enum Network: String, Sendable, CaseIterable {
        /// A network of its own with a way out, where this machine can make one; else none.
        case `default`
        /// Nothing but itself.
        case none
        /// What this machine reaches.
        case host
    }

    /// What a Dockerfile may ask for only where whoever builds agrees.
    public enum Entitlement: String, Sendable, CaseIterable {
        /// `RUN --network=host`.
        case hostNetwork = "network.host"
        /// `RUN --security=insecure`.
        case insecure = "security.insecure"
    }

    /// What holds for every command.
    public struct RunOptions: Sendable {
        /// `--add-host`.
        public var hosts: [HostEntry] = []
        /// `--ulimit`.
        public var limits: [Limit] = []
        /// `--shm-size`, in bytes; nil for 64 MiB.
        public var sharedMemorySize: Int?
        /// How many processes and threads there may be at once.
        public var processLimit: Int? = 32_768
        /// True if somebody asked for ``processLimit``: then it has to hold.
        public var isProcessLimitRequested = false
        /// How many bytes of memory a command may use; nil for all there is.
        public var memoryLimit: Int64?
        /// `--isolation`; nil for the strongest that works.
        public var isolation: Isolation?
        /// `--snapshot`: how changed files are found where there is no overlay.
        public var comparison = RootChanges.Method.marks
        /// The limit of memory and swap together, beside ``memoryLimit``; nil for no swap.
        public var swapLimit: SwapLimit?
        /// How many CPUs' time a command may use, and so many it sees; nil for all.
        public var cpuCount: Double?
        /// Other limits of CPU time, and the CPUs and memory nodes that a command may use.
        public var cpus = CPULimits()
        /// How long a command may run; nil for no limit.
        public var timeout: Duration?
        /// `--userns`.
        public var users = Users.separate
        /// `--oci-runtime`: the program that runs commands; nil for Thaw itself.
        public var runtime: OCIRuntime?

        /// Docker's defaults.
        public init() {}
    }

    /// A build of one Dockerfile.
    public init(context: ContextLocation?, dockerfile: DockerfileLocation = .inContext(nil)) {
        self.context = context
        self.dockerfile = dockerfile
    }
}

/// What became of one step.
public struct StepReport: Sendable, Hashable {
    /// The stage's name, or its number.
    public let stage: String
    /// The instruction's line.
    public let line: Int
    /// The instruction as it was written.
    public let instruction: String
    /// Why it had to be done; nil where an earlier result was used.
    public let missed: MissReason?
    /// Whether only the content of what it reads told that, not where that comes from.
    let isByContent: Bool
    /// How long it took.
    public let duration: Duration

    /// Whether an earlier result was used.
    public var isCached: Bool { missed == nil }
    /// Why it was done or not, in words.
    public var reason: String {
        missed.map(\.description) ?? (isByContent ? "same content as before" : "same inputs as before")
    }
}

/// What a build tells while it goes on.
public enum BuildEvent: Sendable {
    case started(stage: String, line: Int, instruction: String)
    case output(stage: String, line: Int, bytes: [UInt8])
    case finished(StepReport)
    case note(String)
}

/// What a build gave.
public struct BuildResult: Sendable {
    /// The image, all of it in the store, under no name yet.
    public private(set) var image: Image
    /// How many of its layers came with the base image.
    public let baseLayerCount: Int
    /// Every step of every stage that was needed, in the order in which they ended.
    public let steps: [StepReport]
    /// The same with an image that keeps the keys of its own layers.
    public func withInlineCache() -> BuildResult {
        var result = self
        result.image = ownRecords.inlined(in: image)
        return result
    }

    /// The same steps by their keys: `mode=max` of `--cache-to`.
    public let records: CacheRecords

    /// The steps whose layers are in the image: `mode=min`.
    public var ownRecords: CacheRecords {
        let layers = Set(image.layers)
        return CacheRecords(records.steps.filter { layers.contains($0.value.layer) })
    }
}

public import HTTP
public import OCI
public import Sandbox

/// The inputs and options of a build.
public struct BuildRequest: Sendable {
    /// The files for COPY and ADD; nil for none.
    public var context: ContextLocation?
    /// The location of the Dockerfile.
    public var dockerfile: DockerfileLocation
    /// `--build-context`, by name: each replaces the stage or image with this name.
    public var contexts: [String: ContextLocation] = [:]
    /// Finds an image that isn't in the store; returns nil if there is none.
    public var missingImage: MissingImage = { _, _ in nil }
    /// The type of ``missingImage``.
    public typealias MissingImage = @Sendable (_ name: Reference, _ platform: Platform) async throws -> Image?
    /// True to look for newer images behind tags that the store has.
    public var pullsImages = false
    /// The HTTP configuration: proxies, certificates and the like.
    public var web = HTTPConfiguration()
    /// The limit of a downloaded file, in bytes.
    public var downloadLimit: Int64 = 64 << 30
    /// The stage to build; nil for the last.
    public var target: String?
    /// `--build-arg`.
    public var arguments: [String: String] = [:]
    /// `--label`, applied last.
    public var labels: [String: String] = [:]
    /// True if earlier results may be used.
    public var usesCache = true
    /// The stages, by lower-case name or by number, that may not use earlier results.
    public var uncachedStages: Set<String> = []
    /// True if the build must fail when a step has no earlier result.
    public var expectsCache = false
    /// The network of RUN without `--network`.
    public var network = RunNetwork.default
    /// The platform of the image.
    public var platform = Platform.host
    /// The compression of new layers.
    public var compression = OCI.Compression.gzip
    /// True if new layers stay plain until an export compresses them.
    public var defersCompression = false
    /// Seconds since 1970 that no time in the result may exceed; nil means the newest input of each step.
    public var epoch: Int64?
    /// The number of stages that are built at the same time.
    public var width = 2

    /// `--cache-from`, in the order of the look-ups.
    public var caches: [CacheImport] = []
    /// `--secret`, by id.
    public var secrets: [String: Secret] = [:]
    /// `--ssh`, by id.
    public var agents: [String: SSHAgent] = [:]
    /// `--allow`.
    public var entitlements: Set<Entitlement> = []
    /// The options of commands.
    public var run = RunOptions()
    /// The time limit of the whole build; nil for no limit.
    public var timeout: Duration?

    /// The network of a command.
    public enum RunNetwork: String, Sendable, CaseIterable {
        /// An isolated network with access to the outside, if this machine can make one; else none.
        case `default`
        /// Only a loopback interface.
        case none
        /// The host's network.
        case host
    }

    /// A permission that a Dockerfile may use only if the user of the build grants it.
    public enum Entitlement: String, Sendable, CaseIterable {
        /// `RUN --network=host`.
        case hostNetwork = "network.host"
        /// `RUN --security=insecure`.
        case insecure = "security.insecure"
    }

    /// The options of every command.
    public struct RunOptions: Sendable {
        /// `--add-host`.
        public var hosts: [HostEntry] = []
        /// `--ulimit`.
        public var limits: [Limit] = []
        /// `--shm-size`, in bytes; nil for 64 MiB.
        public var sharedMemorySize: Int?
        /// The limit of concurrent processes and threads.
        public var processLimit: Int? = 32_768
        /// True if the user set ``processLimit``: then it must be enforced.
        public var isProcessLimitRequested = false
        /// The memory limit of a command in bytes; nil for no limit.
        public var memoryLimit: Int64?
        /// `--isolation`; nil for the strongest that works.
        public var isolation: Isolation?
        /// `--snapshot`: the method that finds changed files without an overlay.
        public var comparison = RootChanges.ChangeDetection.marks
        /// The limit of memory and swap together, next to ``memoryLimit``; nil for no swap.
        public var swapLimit: SwapLimit?
        /// The CPU time of a command in CPUs, nil for all; it sees that many, rounded up.
        public var cpuCount: Double?
        /// Other limits of CPU time, and the CPUs and memory nodes that a command may use.
        public var cpus = CPULimits()
        /// The time limit of a command; nil for no limit.
        public var timeout: Duration?
        /// `--userns`.
        public var users = Users.separate
        /// `--oci-runtime`: the program that runs commands; nil for thaw's own sandbox.
        public var runtime: OCIRuntime?

        /// Docker's defaults.
        public init() {}
    }

    /// The form of new layers.
    var layerForm: LayerForm {
        var form = LayerForm()
        form.compression = compression
        form.isDeferred = defersCompression && compression != .uncompressed
        return form
    }

    /// A build of one Dockerfile.
    public init(context: ContextLocation?, dockerfile: DockerfileLocation = .inContext(nil)) {
        self.context = context
        self.dockerfile = dockerfile
    }
}

/// The report of one step.
public struct StepReport: Sendable, Hashable {
    /// The stage's name, or its number.
    public let stage: String
    /// The instruction's line.
    public let line: Int
    /// The instruction as it was written.
    public let instruction: String
    /// The reason for which it was run; nil if an earlier result was used.
    public let missReason: MissReason?
    /// True if only the content of its inputs matched the earlier result, not their origin.
    let isByContent: Bool
    /// The duration of the step.
    public let duration: Duration

    /// True if an earlier result was used.
    public var isCached: Bool { missReason == nil }
    /// The reason in words, for cached steps too.
    public var reason: String {
        missReason.map(\.description) ?? (isByContent ? "same content as before" : "same inputs as before")
    }
}

/// A progress event of a build.
public enum BuildEvent: Sendable {
    case started(stage: String, line: Int, instruction: String)
    case output(stage: String, line: Int, bytes: [UInt8])
    case finished(StepReport)
    case note(String)
    /// The findings of BuildKit's checks in the Dockerfile.
    case warnings([BuildWarning])
}

/// A finding of BuildKit's checks in the Dockerfile of a build.
public struct BuildWarning: Sendable, Hashable {
    /// BuildKit's name of the rule.
    public let rule: String
    /// One sentence about this place.
    public let message: String
    /// The line, from 1.
    public let line: Int
}

/// The result of a build.
public struct BuildResult: Sendable {
    /// The image, all of it in the store, under no name yet.
    public private(set) var image: Image
    /// The number of layers from the base image.
    public let baseLayerCount: Int
    /// Every step of every stage that was needed, in the order in which they finished.
    public let steps: [StepReport]
    /// The sources, for the provenance.
    public let inputs: BuildInputs

    /// Returns the same result with an image that contains the cache records of its own layers.
    public func withInlineCache() -> BuildResult {
        var result = self
        result.image = ownRecords.inlined(in: image)
        return result
    }

    /// The steps by their keys: `mode=max` of `--cache-to`.
    public let records: CacheRecords
    /// The value of SOURCE_DATE_EPOCH for this build; nil without one.
    public let epoch: Int64?

    /// The steps whose layers are in the image: `mode=min`.
    public var ownRecords: CacheRecords {
        let layers = Set(image.layers)
        return CacheRecords(records.steps.filter { layers.contains($0.value.layer) })
    }
}

public import HTTP
internal import Linux
internal import OCI
public import SystemPackage

/// How registries are reached: what the machine's files say, and what was asked for beside them.
public struct RegistryConfiguration: Sendable {
    /// Agent, proxy, time-outs. Its trust is replaced by that of ``certificateRoots`` and ``certificates``.
    public var http = Configuration()
    /// How many blobs move at once.
    public var jobs = 4
    /// When something is tried again.
    public var retry = Retry()
    /// Whether certificates count for nothing, and registries may speak without TLS.
    public var isInsecure = false
    /// `registries.conf`, the first file that counts least.
    public var registries: [FilePath] = []
    /// Directories `certs.d`, with a directory for each host.
    public var certificateRoots: [FilePath] = []
    /// Directories with certificates for every registry.
    public var certificates: [FilePath] = []
    /// Files with credentials, in the order in which they are asked.
    public var credentials: [FilePath] = []

    /// Nothing but the usual.
    public init() {}

    /// The places that other tools use too, as the environment says.
    public init(environment: [String: String]) {
        let home = FilePath(environment["HOME"] ?? "/")
        let configuration = environment["XDG_CONFIG_HOME"].map { FilePath($0) } ?? home.appending(".config")
        let containers = configuration.appending("containers")
        registries =
            environment["CONTAINERS_REGISTRIES_CONF"].map { [FilePath($0)] }
            ?? ["/etc/containers/registries.conf", containers.appending("registries.conf")]
        certificateRoots = [containers.appending("certs.d"), "/etc/containers/certs.d", "/etc/docker/certs.d"]
        credentials = Self.credentialFiles(environment, containers: containers, home: home)
    }

    private static func credentialFiles(
        _ environment: [String: String], containers: FilePath, home: FilePath
    ) -> [FilePath] {
        let docker = dockerConfiguration(environment)
        if let file = environment["REGISTRY_AUTH_FILE"] { return [FilePath(file)] }
        let runtime = environment["XDG_RUNTIME_DIR"].map { FilePath($0).appending("containers/auth.json") }
        return (runtime.map { [$0] } ?? []) + [containers.appending("auth.json"), docker]
    }

    /// Docker's own file, which `thaw login` writes.
    public static func dockerConfiguration(_ environment: [String: String]) -> FilePath {
        let directory =
            environment["DOCKER_CONFIG"].map { FilePath($0) }
            ?? FilePath(environment["HOME"] ?? "/").appending(".docker")
        return directory.appending("config.json")
    }
}

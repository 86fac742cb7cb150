public import HTTP
internal import Linux
internal import OCI
public import SystemPackage

/// The settings of a registry client: the machine's files, and the command line's additions.
public struct RegistryConfiguration: Sendable {
    /// User agent, proxy and time-outs; ``certificateRoots`` and ``certificates`` replace its trust.
    public var http = HTTPConfiguration()
    /// The number of blobs that are transferred at once.
    public var jobs = 4
    /// The limits of retries.
    public var retry = Retry()
    /// True if certificates are not checked, and registries may be used without TLS.
    public var isInsecure = false
    /// Paths of `registries.conf`; later files override earlier ones.
    public var registries: [FilePath] = []
    /// Directories `certs.d`, with a directory for each host.
    public var certificateRoots: [FilePath] = []
    /// Directories with certificates for every registry.
    public var certificates: [FilePath] = []
    /// Files with credentials, in the order of their use.
    public var credentials: [FilePath] = []

    /// Paths of `policy.json`, which decides about images and their signatures; the first that exists counts.
    public var policies: [FilePath] = []

    /// The default settings, without any file.
    public init() {}

    /// Finds the files that other tools use too, from the environment's variables.
    public init(environment: [String: String]) {
        let home = FilePath(environment["HOME"] ?? "/")
        let configuration = environment["XDG_CONFIG_HOME"].map { FilePath($0) } ?? home.appending(".config")
        let containers = configuration.appending("containers")
        registries =
            environment["CONTAINERS_REGISTRIES_CONF"].map { [FilePath($0)] }
            ?? ["/etc/containers/registries.conf", containers.appending("registries.conf")]
        policies = [containers.appending("policy.json"), "/etc/containers/policy.json"]
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

    /// Returns the path of Docker's own file, which `thaw login` writes.
    public static func dockerConfiguration(_ environment: [String: String]) -> FilePath {
        let directory =
            environment["DOCKER_CONFIG"].map { FilePath($0) }
            ?? FilePath(environment["HOME"] ?? "/").appending(".docker")
        return directory.appending("config.json")
    }
}

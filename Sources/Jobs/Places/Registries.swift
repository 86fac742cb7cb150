public import HTTP
public import OCI
public import Registry
internal import SystemPackage

/// The access to registries with the settings of this process.
public enum Registries {
    /// Returns the settings of the environment and the machine's files, changed by `edit`.
    ///
    /// - Parameter version: The version of thaw, which servers see.
    public static func configuration(
        version: String, _ edit: (inout RegistryConfiguration) throws -> Void
    ) throws -> RegistryConfiguration {
        var configuration = RegistryConfiguration(environment: Environment.all)
        configuration.http = try http(version: version)
        try edit(&configuration)
        return configuration
    }

    /// Returns the settings of HTTP.
    ///
    /// A transfer below THAW_MIN_SPEED bytes per second for THAW_STALL_TIMEOUT seconds is ended.
    public static func http(version: String) throws -> HTTPConfiguration {
        var configuration = HTTPConfiguration()
        configuration.userAgent = "thaw/\(version)"
        if let speed = try number("THAW_MIN_SPEED", 0...1_000_000_000) { configuration.minimumSpeed = speed }
        if let seconds = try number("THAW_STALL_TIMEOUT", 1...86_400) {
            configuration.stallTimeout = .seconds(seconds)
        }
        return configuration
    }

    private static func number(_ variable: String, _ range: ClosedRange<Int>) throws -> Int? {
        guard let text = Environment[variable] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            let limits = "from \(range.lowerBound) to \(range.upperBound)"
            throw Failure("\(variable)='\(text)' is not a number \(limits)", status: .usage)
        }
        return number
    }

    /// Returns a function that finds base images which the store lacks; it downloads only the parts that are read.
    public static func bases(
        for store: Store, _ client: RegistryClient
    ) -> @Sendable (Reference, Platform) async throws -> Image? {
        { name, platform in
            do {
                return try await client.image(name, for: platform, keepingIn: store)
            } catch RegistryError.blocked {
                return nil
            }
        }
    }

    /// Opens the credentials file of `thaw login` and `thaw logout`.
    public static func loginFile(_ authfile: String?) throws -> AuthFile {
        let file = authfile ?? Environment["REGISTRY_AUTH_FILE"]
        return try AuthFile(at: file.map { FilePath($0) } ?? RegistryConfiguration.dockerConfiguration(Environment.all))
    }

    /// Parses a registry's name, which may have a scheme or a path, or be one of docker.io's old names.
    public static func host(_ text: String) throws -> String {
        var name = text[...]
        for scheme in ["https://", "http://"] where name.hasPrefix(scheme) { name = name.dropFirst(scheme.count) }
        name = name.prefix { $0 != "/" }
        guard !name.isEmpty else { throw Failure("'\(text)' names no registry", status: .usage) }
        return try reference(name.contains(where: { ".:".contains($0) }) ? "\(name)/x" : "localhost/x").host
            == "docker.io"
            ? "docker.io" : String(name)
    }
}

/// The options for access to registries, nil where the environment and the machine's files decide.
public struct RegistrySettings: Sendable {
    private let isVerified: Bool?
    private let certificates: String?
    private let credentials: String?
    private let transfers: Int?

    /// Makes settings of the command line's values.
    ///
    /// - Parameters:
    ///   - isVerified: False to allow plain HTTP and unknown certificates.
    ///   - certificates: The directory with certificates.
    ///   - credentials: The file with credentials.
    ///   - transfers: The number of blobs transferred at once.
    public init(isVerified: Bool?, certificates: String?, credentials: String?, transfers: Int?) {
        self.isVerified = isVerified
        self.certificates = certificates
        self.credentials = credentials
        self.transfers = transfers
    }

    /// The defaults.
    public static let standard = RegistrySettings(
        isVerified: nil, certificates: nil, credentials: nil, transfers: nil)

    /// Changes a configuration.
    public func apply(to configuration: inout RegistryConfiguration) throws {
        if isVerified == false { configuration.isInsecure = true }
        if let certificates { configuration.certificates = [FilePath(certificates)] }
        if let credentials { configuration.credentials = [FilePath(credentials)] }
        guard let transfers else { return }
        guard (1...64).contains(transfers) else {
            throw Failure("--transfers \(transfers) is not between 1 and 64", status: .usage)
        }
        configuration.jobs = transfers
    }
}

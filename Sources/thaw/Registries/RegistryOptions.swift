import ArgumentParser
import Glibc
import HTTP
import Jobs
import Linux
import OCI
import Registry
import SystemPackage

/// The options for access to registries, shared by several commands.
struct RegistryOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Require HTTPS and verify certificates; false also allows plain HTTP. (default: true)", valueName: "bool"))
    var tlsVerify: Bool?

    @Option(
        help: ArgumentHelp(
            "Directory with CA certificates (*.crt) and a client certificate (*.cert, *.key).", valueName: "dir"))
    var certDir: String?

    @Option(
        help: ArgumentHelp(
            "File with credentials. (default: $REGISTRY_AUTH_FILE, or those of podman and docker)", valueName: "path"))
    var authfile: String?

    @Option(help: ArgumentHelp("Number of blobs transferred at once. (default: 4)", valueName: "count"))
    var transfers: Int?

    /// The defaults, for commands without these options.
    static var standard: RegistryOptions { parseOrExit([]) }

    /// Makes a client with the settings of these options, the environment and the machine's files.
    func client(_ progress: ProgressStyle = .auto) throws -> RegistryClient {
        try Registries.client(progress) { configuration in
            if tlsVerify == false { configuration.isInsecure = true }
            if let certDir { configuration.certificates = [FilePath(certDir)] }
            if let authfile { configuration.credentials = [FilePath(authfile)] }
            if let transfers {
                guard (1...64).contains(transfers) else {
                    throw Failure("--transfers \(transfers) is not between 1 and 64", status: .usage)
                }
                configuration.jobs = transfers
            }
        }
    }
}

/// The access to registries with the settings of this process.
enum Registries {
    /// Makes a client with the settings of the environment and the machine's files, changed by `edit`.
    static func client(
        _ progress: ProgressStyle = .auto, _ edit: (inout RegistryConfiguration) throws -> Void = { _ in }
    ) throws -> RegistryClient {
        var configuration = RegistryConfiguration(environment: Environment.all)
        configuration.http = try http()
        try edit(&configuration)
        let view = TransferProgress(progress)
        return try RegistryClient(configuration) { view.take($0) }
    }

    /// Returns the settings of HTTP.
    ///
    /// A transfer below THAW_MIN_SPEED bytes per second for THAW_STALL_TIMEOUT seconds is ended.
    static func http() throws -> HTTPConfiguration {
        var configuration = HTTPConfiguration()
        configuration.userAgent = "thaw/\(Thaw.version)"
        if let speed = try number("THAW_MIN_SPEED", 0...1_000_000_000) { configuration.minimumSpeed = speed }
        if let seconds = try number("THAW_STALL_TIMEOUT", 1...86_400) { configuration.stallTimeout = .seconds(seconds) }
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
    static func bases(
        for store: Store, _ progress: ProgressStyle
    ) throws -> @Sendable (Reference, Platform) async throws -> Image? {
        let client = try client(progress)
        return { name, platform in
            do {
                return try await client.image(name, for: platform, keepingIn: store)
            } catch RegistryError.blocked {
                return nil
            }
        }
    }

    /// Opens the credentials file of `thaw login` and `thaw logout`.
    static func loginFile(_ authfile: String?) throws -> AuthFile {
        let file = authfile ?? Environment["REGISTRY_AUTH_FILE"]
        return try AuthFile(at: file.map { FilePath($0) } ?? RegistryConfiguration.dockerConfiguration(Environment.all))
    }
}

extension Environment {
    /// The variables with a value that is not empty.
    static var all: [String: String] {
        var variables: [String: String] = [:]
        var next = unsafe environ
        while let variable = unsafe next.pointee {
            let text = unsafe String(cString: variable)
            if let equals = text.firstIndex(of: "="), text.index(after: equals) != text.endIndex {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            unsafe next += 1
        }
        return variables
    }
}

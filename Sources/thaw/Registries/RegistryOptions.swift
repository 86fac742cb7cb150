import ArgumentParser
import Glibc
import HTTP
import Linux
import OCI
import Registry
import SystemPackage

/// How registries are reached, for every command that reaches one.
struct RegistryOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "false: accept any certificate, and registries without TLS. (default: true)", valueName: "bool"))
    var tlsVerify: Bool?

    @Option(
        help: ArgumentHelp(
            "A directory with *.crt to trust, and a *.cert and *.key to show.", valueName: "dir"))
    var certDir: String?

    @Option(
        help: ArgumentHelp(
            "The file with credentials. (default: those of podman and docker, whichever knows the registry)",
            valueName: "path"))
    var authfile: String?

    @Option(help: ArgumentHelp("How many blobs move at once. (default: 4)", valueName: "n"))
    var transfers: Int?

    /// No options.
    static var standard: RegistryOptions { parseOrExit([]) }

    /// A client as these options, the environment and the machine's files say.
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

/// What this process reaches registries with.
enum Registries {
    /// A client as the environment and the machine's files say, and then `edit`.
    static func client(
        _ progress: ProgressStyle = .auto, _ edit: (inout RegistryConfiguration) throws -> Void = { _ in }
    ) throws -> RegistryClient {
        var configuration = RegistryConfiguration(environment: Environment.all)
        configuration.http = try http()
        try edit(&configuration)
        let view = TransferProgress(progress)
        return try RegistryClient(configuration) { view.take($0) }
    }

    /// How servers are reached: transfers below THAW_MIN_SPEED bytes per second for THAW_STALL_TIMEOUT seconds end.
    static func http() throws -> Configuration {
        var configuration = Configuration()
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

    /// Where a build has images from that the store lacks: only what is read of them is brought.
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

    /// The file that `thaw login` writes and `thaw logout` takes from.
    static func loginFile(_ authfile: String?) throws -> AuthFile {
        let file = authfile ?? Environment["REGISTRY_AUTH_FILE"]
        return try AuthFile(at: file.map { FilePath($0) } ?? RegistryConfiguration.dockerConfiguration(Environment.all))
    }
}

extension Environment {
    /// All variables that are not empty.
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

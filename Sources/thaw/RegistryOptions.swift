import ArgumentParser
import Jobs
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

extension Registries {
    /// Makes a client with the settings of the environment and the machine's files, changed by `edit`.
    static func client(
        _ progress: ProgressStyle, _ edit: (inout RegistryConfiguration) throws -> Void = { _ in }
    ) throws -> RegistryClient {
        let view = TransferProgress(progress, host: TerminalHost())
        return try RegistryClient(configuration(version: Thaw.version, edit)) { view.take($0) }
    }
}

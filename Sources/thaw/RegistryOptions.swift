import ArgumentParser
import Jobs
import Registry
import TTY

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

    /// Makes a client with the settings of these options, the environment and the machine's files.
    func client(_ progress: ProgressStyle = .auto) throws -> RegistryClient {
        try TerminalHost().registryClient(progress, settings.apply)
    }

    /// The values of the options.
    var settings: RegistrySettings {
        RegistrySettings(isVerified: tlsVerify, certificates: certDir, credentials: authfile, transfers: transfers)
    }
}

import ArgumentParser
import Jobs
import OCI
import Registry

/// The command `thaw copy`.
struct Copy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copy an image between the store, registries, OCI layouts, archives, Docker and Podman.",
        discussion: "Example: thaw copy app:latest oci:/tmp/layout:app")
    @OptionGroup var global: GlobalOptions
    @Option(help: ArgumentHelp("Copy only the image for this platform. (default: all)", valueName: "os/arch"))
    var platform: String?
    @OptionGroup var registry: RegistryOptions
    @OptionGroup var progress: ProgressArguments
    @Argument(help: ArgumentHelp(Transport.help)) var from: ImageArgument
    @Argument(help: "Destination, in the same forms; NAME is in the store.") var to: String

    func run() async throws {
        let store = try global.store()
        let (source, target) = (try Transport(from.text), try Transport(to))
        let job = CopyJob(in: store, client: try registry.client(progress.style), host: TerminalHost())
        let digest = try await job.copy(
            source, named: from.text, to: target, platform: try platform.map(Jobs.platform))
        Terminal.print("\(digest)")
    }
}

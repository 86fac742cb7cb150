import ArgumentParser
import Jobs
import OCI
import Registry
import TTY

/// The command `thaw pull`.
struct Pull: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Download an image from a registry.",
        discussion: "Example: thaw pull --platform linux/arm64 debian:bookworm-slim")
    @OptionGroup var global: GlobalOptions
    @OptionGroup var registry: RegistryOptions
    @Option(help: ArgumentHelp("Platform of the image. (default: this machine's)", valueName: "os/arch"))
    var platform: String?
    @OptionGroup var progress: ProgressArguments
    @Argument(help: "Image: [HOST[:PORT]/]PATH[:TAG][@DIGEST]") var image: String

    func run() async throws {
        let name = try reference(image.trimmingTransport)
        let platform = try platform.map(Jobs.platform) ?? .host
        let pulled = try await registry.client(progress.style).pull(name, for: platform, into: global.store())
        Terminal.print("\(pulled.descriptor.digest)")
    }
}

extension String {
    /// The name without skopeo's prefix `docker://`.
    var trimmingTransport: String { hasPrefix("docker://") ? String(dropFirst("docker://".count)) : self }
}

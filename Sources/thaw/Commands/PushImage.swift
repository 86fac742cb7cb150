import ArgumentParser
import Jobs
import Linux
import OCI
import Registry
import TTY

/// The command `thaw push`.
struct PushImage: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push", abstract: "Upload an image to a registry.",
        discussion: "Example: thaw push app:latest localhost:5000/team/app:1.2")
    @OptionGroup var global: GlobalOptions
    @OptionGroup var registry: RegistryOptions
    @OptionGroup var progress: ProgressArguments
    @Argument(help: "Image: NAME, oci:DIR[:TAG] or another source of 'thaw copy'.") var image: String
    @Argument(help: "Name in the registry. (default: the image's own)") var destination: String?

    func run() async throws {
        let name = try reference((destination ?? image).trimmingTransport)
        let source = try Transport(image.trimmingTransport)
        let store = try global.store()
        let lease = try store.lease()
        let set = try await Offload.run { try store.exported(source.read(store, TerminalHost())) }
        let pushed = try await registry.client(progress.style).push(set, to: name, hints: store)
        try lease.release()
        Terminal.print("\(pushed.digest)")
    }
}

import ArgumentParser
import Jobs
import Linux
import OCI
import Registry

/// The command `thaw inspect`.
struct Inspect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the manifest and configuration of an image, and verify its content.",
        discussion: "Example: thaw inspect --verify app:latest")
    @OptionGroup var global: GlobalOptions
    @OptionGroup var registry: RegistryOptions
    @Flag(help: "Print the manifest, byte for byte.") var raw = false
    @Flag(help: "Print the configuration, byte for byte.") var config = false
    @Flag(help: "Read every blob, and verify sizes, digests, diff IDs and entries.") var verify = false
    @Option(
        help: ArgumentHelp(
            "Go template over the document of docker image inspect, such as '{{.Id}}'.", valueName: "template"))
    var format: String?
    @Argument(help: ArgumentHelp(Transport.help)) var image: ImageArgument

    func run() async throws {
        let store = try global.store()
        let image = try await image.image(in: store, registry)
        if verify { try await image.validate() }
        if let format { return Terminal.print(try await InspectJob(in: store).text(of: image, Template(format))) }
        if raw { return Terminal.print(exactly: image.manifestBytes) }
        if config { return Terminal.print(exactly: image.configBytes) }
        Terminal.print(try JSON.inspection(of: image, name: self.image.text, isVerified: verify))
    }
}

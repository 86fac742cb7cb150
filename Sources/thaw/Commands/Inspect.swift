import ArgumentParser
import Jobs
import TTY

/// The command `thaw inspect`.
struct Inspect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the manifest and configuration of an image, and verify its content.",
        discussion: """
            Attestations are listed with the image that they are about.
            Example: thaw inspect --verify app:latest
            Example: thaw inspect --sbom app:latest
            """)
    @OptionGroup var global: GlobalOptions
    @OptionGroup var registry: RegistryOptions
    @Flag(help: "Print the manifest, byte for byte.") var raw = false
    @Flag(help: "Print the configuration, byte for byte.") var config = false
    @Flag(help: "Print the provenance statement that is attached to the image.") var provenance = false
    @Flag(help: "Print the statement with the list of packages that is attached to the image.") var sbom = false
    @Flag(help: "Read every blob, and verify sizes, digests, diff IDs and entries.") var verify = false
    @Option(
        help: ArgumentHelp(
            "Format: json, text, or a Go template over the document of docker image inspect, such as '{{.Id}}'.",
            valueName: "format"))
    var format = "json"
    @Argument(help: ArgumentHelp(Transport.help)) var image: NamedImage

    func run() async throws {
        let store = try global.store()
        let set = try await image.set(in: store, registry.settings, TerminalHost())
        let part: InspectedPart =
            raw ? .manifest : config ? .configuration : provenance ? .provenance : sbom ? .packages : .summary(format)
        Terminal.print(
            try await InspectJob(in: store).printout(part, of: set, named: image.text, isVerified: verify))
    }
}

import ArgumentParser
import Jobs
import Linux
import OCI
import Registry
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
    @Argument(help: ArgumentHelp(Transport.help)) var image: ImageArgument

    func run() async throws {
        let store = try global.store()
        let set = try await image.set(in: store, registry)
        let image = try set.image(for: .host, name: self.image.text)
        if verify { try await image.validate() }
        if raw { return Terminal.print(exactly: image.manifestBytes) }
        if config { return Terminal.print(exactly: image.configBytes) }
        let digest = image.descriptor.digest
        if provenance || sbom {
            let types =
                provenance ? [Attestation.provenance, Attestation.oldProvenance] : [Attestation.billOfMaterials]
            guard let statement = try set.statement(types, about: digest) else {
                throw Failure("'\(self.image.text)' has no attestation of type \(types[0])")
            }
            return Terminal.print(exactly: statement)
        }
        let attestations = try set.attestations(of: digest)
        switch format {
        case "json":
            Terminal.print(try JSON.inspection(of: image, name: self.image.text, attestations, isVerified: verify))
        case "text":
            for line in InspectionText.lines(image, name: self.image.text, attestations) { Terminal.print(line) }
        default:
            Terminal.print(try await InspectJob(in: store).text(of: image, Template(format, besides: "json or text")))
        }
    }
}

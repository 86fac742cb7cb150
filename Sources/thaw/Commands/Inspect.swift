import ArgumentParser
import Linux
import OCI
import Registry

/// `thaw inspect`
struct Inspect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show an image's manifest and configuration, and check that it is whole.",
        discussion: "Example: thaw inspect --verify app:latest")
    @OptionGroup var global: GlobalOptions
    @OptionGroup var registry: RegistryOptions
    @Flag(help: "Print the manifest as it is, byte for byte.") var raw = false
    @Flag(help: "Print the configuration as it is, byte for byte.") var config = false
    @Flag(help: "Read every blob: sizes, digests, diff IDs and entries must be right.") var verify = false
    @Argument(help: "A name in the store or docker://NAME, or oci:DIR[:TAG].") var image: ImageArgument

    func run() async throws {
        let image = try await image.image(in: global.store(), registry)
        if verify { try await image.validate() }
        if raw { return Terminal.print(exactly: image.manifestBytes) }
        if config { return Terminal.print(exactly: image.configBytes) }
        Terminal.print(try document(image))
    }

    private func document(_ image: Image) throws -> JSON {
        var json = JSON.object([
            "kind": .string("inspection"), "schemaVersion": .integer(1), "name": .string(self.image.text),
            "digest": .string("\(image.descriptor.digest)"),
            "mediaType": .string(image.descriptor.mediaType.description),
            "platform": .string("\(image.config.platform)"), "compressedSize": .integer(image.compressedSize),
            "manifest": image.manifest.json, "config": try JSON(parsing: image.configBytes, what: "configuration"),
        ])
        if verify { json["verified"] = .bool(true) }
        return json
    }
}

import ArgumentParser
import Jobs
import OCI
import TTY

/// The command `thaw list-tags`.
struct ListTags: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list-tags", abstract: "List the tags of a repository.",
        discussion: "Example: thaw list-tags localhost:5000/team/app")
    @OptionGroup var global: GlobalOptions
    @OptionGroup var registry: RegistryOptions
    @Option(help: "Output format.") var format: OutputFormat = .text
    @Argument(help: "Repository: [HOST[:PORT]/]PATH") var repository: String

    func run() async throws {
        let name = try reference(repository.trimmingTransport)
        Terminal.print(try await ListingJob(registry.client(.quiet)).tags(of: name, isJSON: format == .json))
    }
}

/// The command `thaw catalog`.
struct Catalog: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the repositories of a registry that offers a catalog.",
        discussion: "Example: thaw catalog localhost:5000")
    @OptionGroup var global: GlobalOptions
    @OptionGroup var registry: RegistryOptions
    @Option(help: "Output format.") var format: OutputFormat = .text
    @Argument(help: "Registry: HOST[:PORT]") var host: String

    func run() async throws {
        // The parser of image names checks the host.
        let host = try reference("\(host.trimmingTransport)/x").host
        Terminal.print(try await ListingJob(registry.client(.quiet)).catalog(of: host, isJSON: format == .json))
    }
}

/// The command `thaw referrers`.
struct Referrers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the artifacts that refer to an image: signatures, attestations, bills of materials.",
        discussion: "Example: thaw referrers localhost:5000/team/app:1.2")
    @OptionGroup var global: GlobalOptions
    @OptionGroup var registry: RegistryOptions
    @Option(help: ArgumentHelp("List only artifacts of this type.", valueName: "type")) var artifactType: String?
    @Option(help: "Output format.") var format: OutputFormat = .text
    @Argument(help: "Image: [HOST[:PORT]/]PATH[:TAG][@DIGEST]") var image: String

    func run() async throws {
        let name = try reference(image.trimmingTransport)
        let job = ListingJob(try registry.client(.quiet))
        Terminal.print(try await job.referrers(of: name, type: artifactType, isJSON: format == .json))
    }
}

/// The command `thaw delete`.
struct Delete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Delete an image from its registry.",
        discussion: """
            Deletes the manifest that the name refers to, and with it all tags of that manifest.
            Example: thaw delete --dry-run localhost:5000/team/app:1.2
            """)
    @OptionGroup var global: GlobalOptions
    @OptionGroup var registry: RegistryOptions
    @Flag(help: "Print the digest and the tags that would go, and delete nothing.") var dryRun = false
    @Argument(help: "Image: [HOST[:PORT]/]PATH[:TAG][@DIGEST]") var image: String

    func run() async throws {
        let name = try reference(image.trimmingTransport)
        Terminal.print(try await ListingJob(registry.client(.quiet)).delete(name, isDryRun: dryRun))
    }
}

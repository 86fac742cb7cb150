import ArgumentParser
import Jobs
import Linux
import OCI
import Project
import Registry
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
        let tags = try await registry.client(.quiet).tags(of: name)
        guard format == .json else { return tags.forEach { Terminal.print($0.visibleLine) } }
        Terminal.print(.tags(tags, of: name))
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
        let names = try await registry.client(.quiet).catalog(of: host)
        guard format == .json else { return names.forEach { Terminal.print($0.visibleLine) } }
        Terminal.print(.catalog(names, of: host))
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
        let client = try registry.client(.quiet)
        let subject = try await client.digest(of: name)
        let found = try await client.referrers(of: name, to: subject, artifactType: artifactType)
        guard format == .json else {
            for entry in found {
                Terminal.print(
                    "\(entry.digest)  \(ByteCount(entry.size))  \((entry.json["artifactType"]?.string ?? "").visibleLine)"
                )
            }
            return
        }
        Terminal.print(.referrers(found, to: subject))
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
        let client = try registry.client(.quiet)
        let digest = try await client.digest(of: name)
        if dryRun {
            Terminal.print("\(digest)")
            for tag in try await client.tags(of: digest, in: name) { Terminal.print(tag.visibleLine) }
            return
        }
        try await client.delete(name.pinned(to: digest))
        Terminal.print("\(digest)")
    }
}

extension RegistryClient {
    /// Returns the tags of a manifest in its repository, sorted.
    fileprivate func tags(of digest: Digest, in repository: Reference) async throws -> [String] {
        guard try await head(repository.pinned(to: digest)) != nil else {
            throw Failure("\(repository.host)/\(repository.path) has no manifest \(digest)")
        }
        var found: [String] = []
        for tag in try await tags(of: repository) {
            let place = try Reference("\(repository.host)/\(repository.path):\(tag)")
            if try await head(place)?.digest == digest { found.append(tag) }
        }
        return found.sorted()
    }

    /// Returns the digest of the manifest that the name refers to.
    ///
    /// - Throws: A ``RegistryError`` if the registry does not have it.
    fileprivate func digest(of name: Reference) async throws -> Digest {
        if let digest = name.digest { return digest }
        guard let found = try await head(name) else { return try await manifest(name).descriptor.digest }
        return found.digest
    }
}

import ArgumentParser
import Glibc
import Jobs
import Linux
import OCI
import Project
import Registry
import SystemPackage

/// The command `thaw images`.
struct Images: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List images.", discussion: "Example: thaw images --format json")
    @OptionGroup var global: GlobalOptions
    @Option(help: "Output format.") var format: OutputFormat = .text

    func run() throws {
        let rows = try ImageRow.all(in: global.store())
        switch format {
        case .text: for line in ImageRow.text(rows) { Terminal.print(line) }
        case .json: Terminal.print(ImageRow.document(rows))
        }
    }
}

/// The command `thaw load`.
struct Load: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Load images from an archive or an OCI layout.",
        discussion: "Example: docker save app:latest | thaw load")
    @OptionGroup var global: GlobalOptions
    @Option(
        name: [.customShort("i"), .long],
        help: ArgumentHelp("Read from an archive or a layout's directory, instead of stdin.", valueName: "path"))
    var input = "/dev/stdin"

    func run() throws {
        let names = try global.store().load(FilePath(input == "-" ? "/dev/stdin" : input))
        if names.isEmpty { throw Failure("'\(input)' has no image with a name") }
        for name in names { Terminal.print(name.familiar) }
    }
}

/// The command `thaw import`.
struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Create an image from a tar of a root file system.",
        discussion: "Example: thaw import --change 'CMD [\"bash\"]' rootfs.tar debian:bookworm-slim")
    @OptionGroup var global: GlobalOptions
    @Option(
        name: [.customShort("c"), .long],
        help: ArgumentHelp(
            """
            Apply a Dockerfile instruction to the image: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, USER, VOLUME or WORKDIR. \
            Can be repeated.
            """, valueName: "instruction"))
    var change: [String] = []
    @Option(help: ArgumentHelp("Platform of the image. (default: this machine's)", valueName: "os/arch"))
    var platform: String?
    @Argument(help: "The tar, plain or compressed, or - for stdin.") var tar: String
    @Argument(help: "Name of the image.") var name: String

    func run() throws {
        let store = try global.store()
        let name = try reference(name)
        let changes = try ConfigChanges(change)
        let seconds = Environment["SOURCE_DATE_EPOCH"].flatMap { Int64($0) } ?? Int64(time(nil))
        let lease = try store.lease()
        let image = try store.importRootfs(
            FilePath(tar == "-" ? "/dev/stdin" : tar), platform: try platform.map(Jobs.platform) ?? .host,
            created: RFC3339.text(seconds), comment: nil
        ) { try changes.apply(to: &$0) }
        let digest = try store.publish(image, as: name).digest
        try lease.release()
        Terminal.print("\(digest)")
    }
}

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
        let platform = try platform.map(Jobs.platform)
        Terminal.print("\(try await copy(Transport(from.text), Transport(to), platform, store))")
    }

    /// Copies an image and returns its digest.
    ///
    /// Between registries, blobs that can be mounted do not pass through this machine. A pull into the store transfers
    /// several layers at once.
    private func copy(
        _ source: Transport, _ target: Transport, _ platform: Platform?, _ store: Store
    ) async throws -> Digest {
        let client = try registry.client(progress.style)
        switch (source, target) {
        case (.registry(let source), .registry(let target)):
            return try await client.copy(source, to: target, platform: platform).digest
        case (.registry(let source), .store(let name)) where platform == nil:
            return try await client.pullAll(source, into: store, as: name).descriptor.digest
        default: break
        }
        var set =
            if case .registry(let name) = source { try await client.set(name) } else {
                try await from.set(in: store, registry)
            }
        if let platform { set = ImageSet(try set.image(for: platform, name: from.text)) }
        if case .registry(let name) = target {
            return try await client.push(set, to: name, hints: store).digest
        }
        let chosen = set
        return try await Offload.run {
            try target.write(chosen, store)
            return chosen.descriptor.digest
        }
    }
}

/// The command `thaw save`.
struct Save: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Save one or more images to an archive, for docker load, podman load or skopeo.",
        discussion: "Example: thaw save -o app.tar app:latest")
    @OptionGroup var global: GlobalOptions
    @Option(
        name: [.customShort("o"), .long],
        help: ArgumentHelp("Write to a file, or - for stdout, which must not be a terminal.", valueName: "file"))
    var output = "-"
    @Option(help: "Archive format.") var format: Format = .dockerArchive
    @Argument(help: "Names of the images.") var images: [String]

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case dockerArchive = "docker-archive"
        case ociArchive = "oci-archive"
    }

    func run() throws {
        let store = try global.store()
        let destination = try OutputDestination(output)
        let lease = try store.lease()
        let items = try images.map { text in
            let name = try reference(text)
            return (set: try store.set(name), names: [LayoutExport.Name.reference(name)])
        }
        try destination.write { try LayoutExport(items, docker: format == .dockerArchive).write(to: $0) }
        try lease.release()
    }
}

/// The command `thaw tag`.
struct Tag: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Add a name to an image of the store.", discussion: "Example: thaw tag app:latest app:1.2")
    @OptionGroup var global: GlobalOptions
    @Argument(help: "Name of the image.") var image: String
    @Argument(help: "New name.") var name: String

    func run() throws {
        let store = try global.store()
        try store.publish(store.set(reference(image)), as: reference(name))
    }
}

/// The command `thaw rm`.
struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove one or more images.",
        discussion: """
            Removes the names; 'thaw prune' then frees the data that no other image uses.
            Example: thaw rm app:latest
            """)
    @OptionGroup var global: GlobalOptions
    @Argument(help: "Names of the images.") var images: [String]

    func run() throws {
        let store = try global.store()
        for image in images { try store.remove(reference(image)) }
    }
}

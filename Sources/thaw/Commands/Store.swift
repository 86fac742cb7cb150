import ArgumentParser
import Glibc
import Linux
import OCI
import Project
import SystemPackage

/// `thaw images`
struct Images: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the images in the store.")
    @OptionGroup var global: GlobalOptions
    @Option(help: "text or json") var format: OutputFormat = .text

    func run() throws {
        let store = try global.store()
        let rows = try store.images().map { (name, descriptor) in
            (
                name: try Reference(name).familiar, digest: descriptor.digest,
                size: try store.image(descriptor, for: descriptor.platform ?? .host, name: name).compressedSize
            )
        }
        if format == .json {
            return Terminal.print(
                .array(
                    rows.map {
                        .object([
                            "name": .string($0.name), "digest": .string("\($0.digest)"),
                            "compressedSize": .integer($0.size),
                        ])
                    }))
        }
        let width = rows.map(\.name.count).max() ?? 0
        for row in rows {
            let name = row.name + String(repeating: " ", count: width - row.name.count)
            Terminal.print("\(name)  \(row.digest.short)  \(ByteCount(row.size))")
        }
    }
}

/// `thaw load`
struct Load: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring images from an OCI layout or an archive into the store.",
        discussion: "Example: docker save app:latest | thaw load")
    @OptionGroup var global: GlobalOptions
    @Option(
        name: [.customShort("i"), .long],
        help: ArgumentHelp("A layout's directory, or an archive. (default: stdin)", valueName: "path"))
    var input = "/dev/stdin"

    func run() throws {
        let names = try global.store().load(FilePath(input))
        if names.isEmpty { throw Failure("'\(input)' holds no image with a name") }
        for name in names { Terminal.print(name.familiar) }
    }
}

/// `thaw import`
struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make an image of a root file system's tar.",
        discussion: "Example: thaw import --change 'CMD [\"bash\"]' rootfs.tar debian:bookworm-slim")
    @OptionGroup var global: GlobalOptions
    @Option(
        name: [.customShort("c"), .long],
        help: ArgumentHelp(
            "CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, USER, VOLUME or WORKDIR, as a Dockerfile has it; may be repeated.",
            valueName: "instruction"))
    var change: [String] = []
    @Option(help: ArgumentHelp("What the image is for.", valueName: "os/arch")) var platform: String?
    @Argument(help: "The tar, plain or compressed; - for stdin.") var tar: String
    @Argument(help: "The image's name.") var name: String

    func run() throws {
        let store = try global.store()
        let name = try reference(name)
        let changes = try ConfigChanges(change)
        let seconds = Environment["SOURCE_DATE_EPOCH"].flatMap { Int64($0) } ?? Int64(time(nil))
        let lease = try store.lease()
        let image = try store.importRootfs(
            FilePath(tar == "-" ? "/dev/stdin" : tar), platform: try platform.map(thaw.platform) ?? .host,
            created: RFC3339.text(seconds), comment: nil
        ) { try changes.apply(to: &$0) }
        let digest = try store.publish(image, as: name).digest
        try lease.release()
        Terminal.print("\(digest)")
    }
}

/// `thaw copy`
struct Copy: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copy an image between the store and OCI layouts.",
        discussion: "Example: thaw copy app:latest oci:/tmp/layout:app")
    @OptionGroup var global: GlobalOptions
    @Argument(help: "From: a name in the store, or oci:DIR[:TAG].") var from: ImageArgument
    @Argument(help: "To: a name in the store, or oci:DIR:TAG.") var to: String

    func run() throws {
        let store = try global.store()
        let image = try from.image(in: store)
        switch try Transport(to) {
        case .store(let reference): try store.publish(image, as: reference)
        case .layout(let directory, let tag): try Layout.write(image, to: directory, tag: tag ?? "latest")
        }
        Terminal.print("\(image.descriptor.digest)")
    }
}

/// `thaw tag`
struct Tag: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Give an image of the store another name.")
    @OptionGroup var global: GlobalOptions
    @Argument(help: "The image.") var image: String
    @Argument(help: "The new name.") var name: String

    func run() throws {
        let store = try global.store()
        try store.publish(store.image(reference(image)), as: reference(name))
    }
}

/// `thaw rm`
struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Take names away; 'thaw prune' then frees what nothing needs.")
    @OptionGroup var global: GlobalOptions
    @Argument(help: "The images.") var images: [String]

    func run() throws {
        let store = try global.store()
        for image in images { try store.remove(reference(image)) }
    }
}

/// `thaw prune`
struct Prune: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Free what no image and no remembered build step needs.",
        discussion: "Example: thaw prune --all also forgets every build step, so that only named images stay.")
    @OptionGroup var global: GlobalOptions
    @Flag(help: "Forget build steps and unpacked layers too.") var all = false

    func run() throws {
        let store = try global.store()
        let collected = try store.collect(forgettingSteps: all)
        Terminal.print("\(collected.blobs) blobs removed, \(ByteCount(collected.bytes)) freed")
    }
}

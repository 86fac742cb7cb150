import ArgumentParser
import Jobs
import Linux
import OCI
import SystemPackage
import TTY

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
        let destination = try OutputDestination(output, TerminalHost())
        let lease = try store.lease()
        let items = try images.map { text in
            let name = try reference(text)
            return (set: try store.exported(store.set(name)), names: [LayoutExport.Name.reference(name)])
        }
        try destination.write { try LayoutExport(items, docker: format == .dockerArchive).write(to: $0) }
        try lease.release()
    }
}

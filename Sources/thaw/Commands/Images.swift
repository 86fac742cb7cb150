import ArgumentParser
import Jobs
import OCI
import TTY

/// The command `thaw images`.
struct Images: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List images.",
        discussion: """
            A Go template is such as '{{.Repository}} {{.Tag}}'.
            Example: thaw images --format json app
            """)
    @OptionGroup var global: GlobalOptions
    @Flag(name: .shortAndLong, help: "Print only image IDs.") var quiet = false
    @Flag(name: .shortAndLong, help: "Accepted for Docker's sake: all images have a name.") var all = false
    @Flag(help: "Add a column with the digests that registries have.") var digests = false
    @Flag(help: "Do not truncate image IDs.") var noTrunc = false
    @Option(
        name: .shortAndLong, help: ArgumentHelp("Filter: reference=PATTERN or dangling=BOOL.", valueName: "filter"))
    var filter: [String] = []
    @Option(help: ArgumentHelp("Format: text, json, or a Go template such as '{{.ID}}'.", valueName: "format"))
    var format = "text"
    @Argument(help: "Repository, or name with a tag; all images without it.") var name: String?

    func run() throws {
        let table = try ImageTable(ImageRow.all(in: global.store()), named: name, filters: filter)
        if quiet { return Terminal.print(table.identifiers(isTruncated: !noTrunc)) }
        switch format {
        case "text": Terminal.print(table.text(digests: digests))
        case "json": Terminal.print(table.document)
        default: Terminal.print(try table.text(Template(format, besides: "text or json"), isTruncated: !noTrunc))
        }
    }
}

/// The command `thaw tag`.
struct TagCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tag", abstract: "Add a name to an image of the store.",
        discussion: "Example: thaw tag app:latest app:1.2")
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

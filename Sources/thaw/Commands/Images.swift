import ArgumentParser
import Jobs
import OCI

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

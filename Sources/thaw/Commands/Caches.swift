import ArgumentParser
import Build
import Jobs
import Linux
import OCI
import TTY

/// The command `thaw cache`.
struct Caches: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache", abstract: "Manage the caches of RUN --mount=type=cache.",
        discussion: "Example: thaw cache ls",
        subcommands: [ListCaches.self, Export.self, Import.self, Remove.self])

    /// The command `thaw cache ls`.
    struct ListCaches: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls", abstract: "List the caches with their sizes.",
            discussion: "Example: thaw cache ls --format json")
        @OptionGroup var global: GlobalOptions
        @Option(help: "Output format.") var format: OutputFormat = .text

        func run() throws {
            let entries = try CacheMounts(global.store()).entries()
            switch format {
            case .text: Terminal.print(CacheMounts.text(entries))
            case .json: Terminal.print(.caches(entries))
            }
        }
    }

    /// The command `thaw cache export`.
    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Store a cache as an image of one layer, which can be saved or pushed.",
            discussion: "Example: thaw cache export /root/.cache/pip ci/pip-cache:latest")
        @OptionGroup var global: GlobalOptions
        @Argument(help: "Id of the cache: id= of the mount, or its target.") var id: String
        @Argument(help: "Name of the image.") var name: String

        func run() throws {
            let store = try global.store()
            Terminal.print("\(try CacheMounts(store).export(id, as: reference(name), to: store))")
        }
    }

    /// The command `thaw cache import`.
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Replace the contents of a cache by the files of an image.",
            discussion: "Example: thaw cache import ci/pip-cache:latest /root/.cache/pip")
        @OptionGroup var global: GlobalOptions
        @Argument(help: ArgumentHelp(Transport.help)) var image: NamedImage
        @Argument(help: "Id of the cache: id= of the mount, or its target.") var id: String

        func run() async throws {
            let store = try global.store()
            let lease = try store.lease()
            try await CacheMounts(store).replace(id, by: try await image.image(in: store))
            try lease.release()
        }
    }

    /// The command `thaw cache rm`.
    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rm", abstract: "Remove one or more caches.",
            discussion: "Example: thaw cache rm /root/.cache/pip")
        @OptionGroup var global: GlobalOptions
        @Flag(help: "Remove all caches.") var all = false
        @Argument(help: "Ids of the caches.") var ids: [String] = []

        func validate() throws {
            guard all != !ids.isEmpty else { throw ValidationError("give the ids of caches, or --all") }
        }

        func run() throws {
            let store = try global.store()
            try CacheMounts(store).remove(ids, all: all, of: store)
        }
    }
}

import ArgumentParser
import Build
import Jobs
import Linux
import OCI
import Project
import SystemPackage

/// The command `thaw cache`.
struct Caches: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache", abstract: "Manage the caches of RUN --mount=type=cache.",
        discussion: "Example: thaw cache ls",
        subcommands: [List.self, Export.self, Import.self, Remove.self])

    /// The command `thaw cache ls`.
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls", abstract: "List the caches with their sizes.",
            discussion: "Example: thaw cache ls --format json")
        @OptionGroup var global: GlobalOptions
        @Option(help: "Output format.") var format: OutputFormat = .text

        func run() throws {
            let entries = try CacheMounts(global.store()).entries()
            guard format == .text else { return Terminal.print(.caches(entries)) }
            let width = entries.map(\.id.count).max() ?? 0
            for entry in entries {
                let id = entry.id.visibleLine + String(repeating: " ", count: width - entry.id.count)
                let seed = entry.seed.isEmpty ? "" : "  from \(entry.seed.visibleLine)"
                let owner = entry.owner.isEmpty ? "" : "  owner \(entry.owner)"
                Terminal.print("\(id)  \(ByteCount(entry.size))  used \(RFC3339.text(entry.lastUsed))\(seed)\(owner)")
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
            let lease = try store.lease()
            let image = try CacheMounts(store).image(of: Caches.entry(id, in: store))
            let digest = try store.publish(image, as: reference(name)).digest
            try lease.release()
            Terminal.print("\(digest)")
        }
    }

    /// The command `thaw cache import`.
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Replace the contents of a cache by the files of an image.",
            discussion: "Example: thaw cache import ci/pip-cache:latest /root/.cache/pip")
        @OptionGroup var global: GlobalOptions
        @Argument(help: ArgumentHelp(Transport.help)) var image: ImageArgument
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
            let caches = CacheMounts(store)
            guard let lock = try Lock.attempt(store.path.appending("thaw/lock"), .exclusive) else {
                throw Failure("the store is in use by a build")
            }
            let entries = all ? try caches.entries() : try ids.flatMap { try Caches.entries($0, in: store) }
            for entry in entries where try !caches.remove(entry) {
                throw Failure("the cache '\(entry.id)' is in use by a build")
            }
            try lock.release()
        }
    }

    fileprivate static func entry(_ id: String, in store: Store) throws -> CacheMounts.Entry {
        let entries = try entries(id, in: store)
        return entries.first { $0.owner.isEmpty } ?? entries[0]
    }

    /// Returns the caches of an id, which differ in their owners or initial contents; there is at least one.
    fileprivate static func entries(_ id: String, in store: Store) throws -> [CacheMounts.Entry] {
        let entries = try CacheMounts(store).entries().filter { $0.id == id }
        guard !entries.isEmpty else {
            throw Failure("there is no cache '\(id)' in the store", remedy: "'thaw cache ls' lists the caches")
        }
        return entries
    }
}

import ArgumentParser
import ColdStart
import Glibc
import Jobs
import Linux
import OCI
import Project
import SystemPackage
import TTY

/// The command `thaw df`.
struct DiskUse: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "df", abstract: "Show the disk usage of the store, and the part that can be freed.",
        discussion: "Example: thaw df --format json")
    @OptionGroup var global: GlobalOptions
    @Option(help: "Output format.") var format: OutputFormat = .text

    func run() throws {
        let store = try global.store()
        let usage = try store.usage()
        switch format {
        case .text: Terminal.print(usage.text)
        case .json: Terminal.print(usage.document)
        }
        for path in usage.unreadable {
            Terminal.note("'\(path)' of the store can't be read by this user: its contents are not counted")
        }
    }
}

/// The command `thaw prune`.
struct Prune: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Remove data that no image and no cached build step uses.",
        discussion: """
            With --keep-bytes or --older-than, cached build steps and unpacked layers are removed too, the least \
            recently used first. Kernels and modules that no start has used for a week are removed from the cache of \
            starts, all of them with --all. Images with a name and cache mounts are never removed; 'thaw rm' removes names.
            Example: thaw prune --all
            """)
    @OptionGroup var global: GlobalOptions
    @Flag(help: "Remove all cached build steps and unpacked layers too.") var all = false
    @Option(
        help: ArgumentHelp("Keep at most this size, cache mounts not counted: 10GB, 512MiB.", valueName: "size"))
    var keepBytes: String?
    @Option(
        help: ArgumentHelp("Remove steps and layers that were not used for this time: 36h, 7d, 90m.", valueName: "time")
    )
    var olderThan: String?
    @Option(help: "Output format.") var format: OutputFormat = .text

    func run() throws {
        let budget = try Store.CollectionLimits(keepingBytes: keepBytes, olderThan: olderThan)
        let collected = try global.store().collect(forgettingSteps: all, budget: budget)
        let starts = try StartCache(Environment.cache).prune(unusedFor: all ? 0 : StartCache.keepingSeconds)
        switch format {
        case .text:
            Terminal.print("\(collected.blobs) blobs removed, \(ByteCount(collected.bytes)) freed")
            if starts.files > 0 {
                Terminal.print("\(starts.files) files for starts removed, \(ByteCount(starts.bytes)) freed")
            }
        case .json: Terminal.print(.prune(collected, starts))
        }
        if let bytes = budget.bytes, collected.left > bytes {
            Terminal.note(
                "\(ByteCount(collected.left)) remain, which images with a name use; 'thaw rm' removes names")
        }
    }
}

public import ArgumentParser
import ColdStart
import Glibc
public import Jobs
import Linux
import OCI
import Project
import Sandbox
import SystemPackage

/// The options of every command.
struct GlobalOptions: ParsableArguments {
    @Option(
        name: .customLong("store"),
        help: ArgumentHelp(
            "Directory of the image store. (default: $THAW_STORE, $XDG_DATA_HOME/thaw, or /var/lib/thaw as root)",
            valueName: "dir"))
    var storePath: String?

    /// Opens the store.
    func store() throws -> Store {
        do { return try Store(at: FilePath(path)) } catch let error as SystemError
            where error.errno == .noSuchFileOrDirectory || error.errno == .notDirectory
        { throw Failure("cannot open the store: \(error)", remedy: "choose another store with --store or THAW_STORE") }
    }

    /// Opens the store; returns nil if there is none.
    func existingStore() throws -> Store? { fileExists(FilePath(path)) ? try store() : nil }

    /// The path of the store, which may not exist yet.
    var path: String { storePath ?? Environment.defaultStore }
}

/// The form of printed findings.
enum FindingFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json, sarif
}

/// The form of a printed result.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

/// The options `--progress` and `--quiet` of commands that take time.
struct ProgressArguments: ParsableArguments {
    @Option(help: "Type of progress output. (default: $BUILDKIT_PROGRESS, or auto)") var progress: ProgressStyle?
    @Flag(name: .shortAndLong, help: "Print only the result: shorthand for --progress quiet.") var quiet = false

    var style: ProgressStyle { quiet ? .quiet : progress ?? .fromEnvironment }
}

extension ProgressStyle: ExpressibleByArgument {}

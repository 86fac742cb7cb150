import ArgumentParser
import ColdStart
import Glibc
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

    /// The path of the store, which may not exist yet.
    var path: String { storePath ?? Self.defaultStore }

    private static var defaultStore: String {
        if let path = Environment["THAW_STORE"] { return path }
        if UserNamespace.user == 0 { return "/var/lib/thaw" }
        let data = Environment["XDG_DATA_HOME"] ?? Environment.home + "/.local/share"
        return data + "/thaw"
    }
}

/// The process's environment.
enum Environment {
    /// The user's home directory, from `HOME` or from the account.
    static var home: String {
        if let home = Environment["HOME"] { return home }
        guard let entry = unsafe getpwuid(getuid()) else { return "/" }
        return unsafe String(cString: entry.pointee.pw_dir)
    }

    /// A variable's value; nil where it is unset or empty.
    static subscript(name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }
}

/// The directory of files that can be made again: kernels, base images.
enum Cache {
    static var path: FilePath {
        let home = Environment["XDG_CACHE_HOME"] ?? Environment.home + "/.cache"
        return FilePath(Environment["THAW_CACHE"] ?? home).appending("thaw")
    }
}

/// The form of a printed result.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

/// Parses a platform of the command line.
func platform(_ text: String) throws -> Platform {
    do {
        return try Platform(text)
    } catch {
        throw Failure("\(error)", status: .usage)
    }
}

/// Parses an image name of the command line.
func reference(_ text: String) throws -> Reference {
    do {
        return try Reference(text)
    } catch {
        throw Failure("\(error)", status: .usage)
    }
}

/// Reads the `thaw.toml` of `--config`, or the one in `directory`; returns an empty project if there is none.
///
/// A relative kernel path in the file is relative to the file's directory.
func project(_ option: String?, beside directory: FilePath) throws -> ProjectFile {
    let path = option.map { FilePath($0) } ?? directory.appending("thaw.toml")
    guard fileExists(path) else {
        if option == nil { return ProjectFile() }
        throw Failure("there is no file '\(path)'", status: .usage)
    }
    let file = try OwnedDescriptor(path, [.read, .nonBlocking])
    guard try file.status().type == .regular else { throw Failure("'\(path)' is not a regular file", status: .usage) }
    let bytes = try file.readAll(limit: 1 << 20)
    var project = try ProjectFile(parsing: String(decoding: bytes, as: UTF8.self), name: path.string)
    if let kernel = project.boot.kernel, case .file(let file) = KernelChoice(parsing: kernel) {
        project.boot.kernel = path.removingLastComponent().pushing(file).string
    }
    return project
}

/// True if a file of any type exists at the path.
func fileExists(_ path: FilePath) -> Bool { unsafe access(path.string, F_OK) == 0 }

import ArgumentParser
import ColdStart
import Glibc
import Linux
import OCI
import Project
import Sandbox
import SystemPackage

/// What every command takes.
struct GlobalOptions: ParsableArguments {
    @Option(
        name: .customLong("store"),
        help: ArgumentHelp(
            "Where images are kept. (default: $THAW_STORE, $XDG_DATA_HOME/thaw, or /var/lib/thaw as root)",
            valueName: "dir"))
    var storePath: String?

    /// Opens the store.
    func store() throws -> Store {
        do { return try Store(at: FilePath(path)) } catch let error as SystemError
            where error.errno == .noSuchFileOrDirectory || error.errno == .notDirectory
        { throw Failure("there can be no store: \(error)", remedy: "choose another one with --store or THAW_STORE") }
    }

    /// Where the store is, or would be.
    var path: String { storePath ?? Self.defaultStore }

    private static var defaultStore: String {
        if let path = Environment["THAW_STORE"] { return path }
        if UserNamespace.user == 0 { return "/var/lib/thaw" }
        let data = Environment["XDG_DATA_HOME"] ?? (Environment["HOME"] ?? "/tmp") + "/.local/share"
        return data + "/thaw"
    }
}

/// The process's environment.
enum Environment {
    /// A variable's value; nil where it is unset or empty.
    static subscript(name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }
}

/// Where things that can be made again are kept: kernels, base images.
enum Cache {
    static var path: FilePath {
        let home = Environment["XDG_CACHE_HOME"] ?? (Environment["HOME"] ?? "/tmp") + "/.cache"
        return FilePath(Environment["THAW_CACHE"] ?? home).appending("thaw")
    }
}

/// How a result is printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

/// The platform that a user wrote.
func platform(_ text: String) throws -> Platform {
    do {
        return try Platform(text)
    } catch {
        throw Failure("\(error)", status: .usage)
    }
}

/// The reference that a user wrote as a name to give.
func reference(_ text: String) throws -> Reference {
    do {
        return try Reference(text)
    } catch {
        throw Failure("\(error)", status: .usage)
    }
}

/// The `thaw.toml` of `--config`, or the one beside the Dockerfile; an empty project where there is none.
///
/// A kernel's path in it begins beside it.
func project(_ option: String?, beside directory: FilePath) throws -> Project {
    let path = option.map { FilePath($0) } ?? directory.appending("thaw.toml")
    guard fileExists(path) else {
        if option == nil { return Project() }
        throw Failure("there is no file '\(path)'", status: .usage)
    }
    let bytes = try OwnedDescriptor(path).readAll(limit: 1 << 20)
    var project = try Project(parsing: String(decoding: bytes, as: UTF8.self), name: path.string)
    if let kernel = project.boot.kernel, case .file(let file) = KernelChoice(parsing: kernel) {
        project.boot.kernel = path.removingLastComponent().pushing(file).string
    }
    return project
}

/// Whether something is there.
func fileExists(_ path: FilePath) -> Bool { unsafe access(path.string, F_OK) == 0 }

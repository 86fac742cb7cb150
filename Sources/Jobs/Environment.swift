internal import Glibc
internal import Linux
public import OCI
internal import Sandbox
public import SystemPackage

/// The process's environment.
public enum Environment {
    /// The user's home directory, from `HOME` or from the account.
    public static var home: String {
        if let home = Environment["HOME"] { return home }
        guard let entry = unsafe getpwuid(getuid()) else { return "/" }
        return unsafe String(cString: entry.pointee.pw_dir)
    }

    /// A variable's value; nil where it is unset or empty.
    public static subscript(name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }

    /// The path of the store without `--store`.
    public static var defaultStore: String {
        if let path = Environment["THAW_STORE"] { return path }
        if UserNamespace.user == 0 { return "/var/lib/thaw" }
        let data = Environment["XDG_DATA_HOME"] ?? Environment.home + "/.local/share"
        return data + "/thaw"
    }

    /// The directory of files that can be made again: kernels, base images.
    public static var cache: FilePath {
        let home = Environment["XDG_CACHE_HOME"] ?? Environment.home + "/.cache"
        return FilePath(Environment["THAW_CACHE"] ?? home).appending("thaw")
    }
}

/// True if a file of any type exists at the path.
public func fileExists(_ path: FilePath) -> Bool { unsafe access(path.string, F_OK) == 0 }

/// Parses a platform; a malformed one is a usage failure.
public func platform(_ text: String) throws -> Platform {
    do {
        return try Platform(text)
    } catch {
        throw Failure("\(error)", status: .usage)
    }
}

/// Parses an image name; a malformed one is a usage failure.
public func reference(_ text: String) throws -> Reference {
    do {
        return try Reference(text)
    } catch {
        throw Failure("\(error)", status: .usage)
    }
}

extension Environment {
    /// The variables with a value that is not empty.
    static var all: [String: String] {
        var variables: [String: String] = [:]
        var next = unsafe environ
        while let variable = unsafe next.pointee {
            let text = unsafe String(cString: variable)
            if let equals = text.firstIndex(of: "="), text.index(after: equals) != text.endIndex {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            unsafe next += 1
        }
        return variables
    }
}

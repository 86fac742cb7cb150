internal import Linux
internal import SystemPackage

/// The search for Dockerfiles near a place that has none, for the remedy of an error.
enum OtherDockerfiles {
    /// Returns at most five paths: further names in the same directory, and `Dockerfile` in the directories below it.
    static func beside(_ path: FilePath) -> [String] {
        let parent = path.removingLastComponent()
        // The error is about the missing Dockerfile; a directory that can't be read has no others.
        guard let directory = try? Directory(parent.isEmpty ? "." : parent), let entries = try? directory.entries()
        else { return [] }
        let found = entries.prefix(1000).flatMap { names(of: $0, in: directory) }
        return found.prefix(5).map { parent.appending($0).lexicallyNormalized().string }
    }

    private static func names(of entry: DirectoryEntry, in directory: Directory) -> [String] {
        let name = String(decoding: entry.name, as: UTF8.self)
        if entry.type == .directory {
            let inner = "\(name)/Dockerfile"
            return !name.hasPrefix(".") && (try? directory.exists(FilePath(inner))) == true ? [inner] : []
        }
        return isDockerfile(name) ? [name] : []
    }

    private static func isDockerfile(_ name: String) -> Bool {
        guard !name.hasSuffix(".dockerignore") else { return false }
        return name == "Containerfile" || name.hasPrefix("Dockerfile.") || name.lowercased().hasSuffix(".dockerfile")
    }
}

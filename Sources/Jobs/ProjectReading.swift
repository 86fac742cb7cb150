internal import ColdStart
internal import Frontend
internal import Linux
public import Project
public import SystemPackage

extension ProjectFile {
    /// Reads the file of `--config`, or the `thaw.toml` in `directory`; returns an empty project if there is none.
    ///
    /// A relative kernel path in the file is relative to the file's directory.
    public static func read(_ option: String?, beside directory: FilePath) throws -> ProjectFile {
        try readWithLines(option, beside: directory).project
    }

    /// Reads the same file, and returns the lines of its keys too.
    public static func readWithLines(
        _ option: String?, beside directory: FilePath
    ) throws -> (project: ProjectFile, lines: ProjectLines) {
        let beside = directory == "." ? FilePath("thaw.toml") : directory.appending("thaw.toml")
        let path = option.map { FilePath($0) } ?? beside
        guard fileExists(path) else {
            if option == nil { return (ProjectFile(), ProjectLines("")) }
            throw Failure("there is no file '\(path)'", status: .usage)
        }
        let file = try OwnedDescriptor(path, [.read, .nonBlocking])
        guard try file.status().type == .regular else {
            throw Failure("'\(path)' is not a regular file", status: .usage)
        }
        let bytes = try file.readAll(limit: 1 << 20)
        let text = String(decoding: bytes, as: UTF8.self)
        var project = try parse(text, name: path.string)
        if let kernel = project.boot.kernel, case .file(let file) = KernelChoice(parsing: kernel) {
            project.boot.kernel = path.removingLastComponent().pushing(file).string
        }
        return (project, ProjectLines(text))
    }

    /// Parses a file; a misspelt key is a usage failure with the known key that is nearest.
    private static func parse(_ text: String, name: String) throws -> ProjectFile {
        do throws(ProjectError) {
            return try ProjectFile(parsing: text, name: name)
        } catch {
            guard case .unknownKeys(let file, let keys) = error else { throw error }
            let message = ProjectError.text(ofUnknown: keys, in: file) { key in
                Suggestion.ending(for: key.name, in: key.known)
            }
            throw Failure(message, status: .usage)
        }
    }
}

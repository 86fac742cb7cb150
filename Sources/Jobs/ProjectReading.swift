internal import ColdStart
internal import Linux
public import Project
public import SystemPackage

extension ProjectFile {
    /// Reads the file of `--config`, or the `thaw.toml` in `directory`; returns an empty project if there is none.
    ///
    /// A relative kernel path in the file is relative to the file's directory.
    public static func read(_ option: String?, beside directory: FilePath) throws -> ProjectFile {
        let path = option.map { FilePath($0) } ?? directory.appending("thaw.toml")
        guard fileExists(path) else {
            if option == nil { return ProjectFile() }
            throw Failure("there is no file '\(path)'", status: .usage)
        }
        let file = try OwnedDescriptor(path, [.read, .nonBlocking])
        guard try file.status().type == .regular else {
            throw Failure("'\(path)' is not a regular file", status: .usage)
        }
        let bytes = try file.readAll(limit: 1 << 20)
        var project = try ProjectFile(parsing: String(decoding: bytes, as: UTF8.self), name: path.string)
        if let kernel = project.boot.kernel, case .file(let file) = KernelChoice(parsing: kernel) {
            project.boot.kernel = path.removingLastComponent().pushing(file).string
        }
        return project
    }
}

import Glibc
import Linux
import SystemPackage

/// Checks of output paths before the work, so that a build doesn't fail at its end.
enum Writable {
    /// Expects that a file can be written to the path: its directory exists and is writable.
    static func expectFile(_ path: String, for option: String) throws {
        let destination = try OutputDestination(path)
        guard case .file(let file) = destination else { return }
        let parent = file.removingLastComponent()
        try expect(parent.isEmpty ? "." : parent.string, for: "\(option) '\(path)'")
    }

    /// Expects that a directory can be made at the path: its deepest existing ancestor is a writable directory.
    static func expectDirectory(_ path: String, for option: String) throws {
        var place = FilePath(path)
        var status = stat()
        while unsafe stat(place.isEmpty ? "." : place.string, &status) != 0, errno == ENOENT, !place.isEmpty {
            place.removeLastComponent()
        }
        try expect(place.isEmpty ? "." : place.string, for: "\(option) '\(path)'")
    }

    private static func expect(_ directory: String, for what: String) throws {
        var status = stat()
        guard unsafe stat(directory, &status) == 0 else {
            throw Failure("\(what) cannot be written: '\(directory)': \(Errno(rawValue: errno))")
        }
        guard FileType(mode: status.st_mode) == .directory else {
            throw Failure("\(what) cannot be written: '\(directory)' is not a directory")
        }
        guard unsafe access(directory, W_OK | X_OK) == 0 else {
            throw Failure("\(what) cannot be written: '\(directory)': \(Errno(rawValue: errno))")
        }
    }
}

extension Output {
    /// Expects that its destination can be written.
    func expectWritable() throws {
        guard let destination, destination != "-" else { return }
        hasStream
            ? try Writable.expectFile(destination, for: "-o type=\(kind.rawValue), dest")
            : try Writable.expectDirectory(destination, for: "-o type=\(kind.rawValue), dest")
    }
}

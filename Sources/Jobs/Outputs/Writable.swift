internal import Glibc
internal import SystemPackage

/// Checks of output paths before the work, so that a build doesn't fail at its end.
enum Writable {
    /// Expects that a directory can be made at the path: its deepest existing ancestor is a writable directory.
    static func expectDirectory(_ path: String, for option: String) throws {
        var place = FilePath(path)
        var status = stat()
        while unsafe stat(place.isEmpty ? "." : place.string, &status) != 0, errno == ENOENT, !place.isEmpty {
            place.removeLastComponent()
        }
        try FileDestination.expectDirectory(place.isEmpty ? "." : place.string, for: "\(option) '\(path)'")
    }
}

extension Output {
    /// Expects that its destination can be written.
    public func expectWritable() throws {
        guard let destination, destination != "-" else { return }
        hasStream
            ? try FileDestination.expectWritable(FilePath(destination), for: "-o type=\(kind.rawValue), dest")
            : try Writable.expectDirectory(destination, for: "-o type=\(kind.rawValue), dest")
    }
}

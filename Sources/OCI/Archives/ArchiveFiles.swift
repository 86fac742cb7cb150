/// The files of an archive by their paths, each with its place.
struct ArchiveFiles<Place: Sendable>: Sendable {
    /// The archive's name in errors.
    let name: String
    private var files: [ImagePath: Place] = [:]
    private let limit = 1_000_000

    init(_ name: String) { self.name = name }

    subscript(path: String) -> Place? { (try? ImagePath(path)).flatMap { files[$0] } }

    /// Adds an entry; `place` returns the place of a regular file's content.
    ///
    /// - Throws: ``OCIError/unreadableArchive(_:reason:)`` for a second file of the same name.
    mutating func add(_ entry: LayerEntry, _ place: () throws -> Place) throws {
        switch entry.change {
        case .add(.file):
            guard files[entry.path] == nil else {
                throw OCIError.unreadableArchive(name, reason: "it has two files of the name '\(entry.path)'")
            }
            guard files.count < limit else {
                throw OCIError.unreadableArchive(name, reason: "it has more than \(limit) files")
            }
            files[entry.path] = try place()
        case .add(.symlink(let target)): addLink(entry.path, to: target)
        case .link(let target): addLink(entry.path, to: target)
        default: break
        }
    }

    /// Returns the file of a path in the archive's own document.
    func file(_ path: String?) throws(OCIError) -> Place {
        guard let path, let file = self[path] else {
            throw .unreadableArchive(name, reason: "its manifest names '\(path ?? "")', which is not in it")
        }
        return file
    }

    private mutating func addLink(_ path: ImagePath, to target: ImagePath) {
        if files[path] == nil { files[path] = files[target] }
    }

    /// Adds the links of old versions of docker save: `../ID/layer.tar` from one directory below the root.
    private mutating func addLink(_ path: ImagePath, to target: [UInt8]) {
        let joined =
            target.starts(with: "../".utf8)
            ? Array(target.dropFirst(3)) : path.parent.bytes + (path.parent.isRoot ? [] : [UInt8(ascii: "/")]) + target
        if let place = try? ImagePath(entry: joined) { addLink(path, to: place) }
    }
}

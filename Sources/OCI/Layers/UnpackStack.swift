internal import Linux
internal import SystemPackage

extension Unpacker {
    /// Unpacks the merged tree of the layers up to this one, as the lowest directory.
    ///
    /// Nothing is below it, so it has no whiteouts, and it has the other end of every hard link.
    @discardableResult
    public func unpackStack() throws -> [Omission] {
        var omissions: [Omission] = []
        try TreeDelta(to: tree).write(from: image) { entry in
            switch entry.change {
            case .add(.directory): try makeDirectory(entry.path)
            case .add(let kind): omissions += try make(kind, at: entry.path, entry.metadata) { _ in }
            case .link(let first): try target.makeHardLink(FilePath(entry.path), to: FilePath(first))
            case .remove, .clear: preconditionFailure("nothing is removed from an empty tree")
            }
        } file: { entry, reader in
            guard case .add(let kind) = entry.change else { return }
            omissions += try make(kind, at: entry.path, entry.metadata) { try reader.readContent($0) }
        }
        return try omissions + applyDirectories()
    }
}

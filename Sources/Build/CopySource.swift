internal import Linux
internal import OCI
internal import SystemPackage

/// The source of files for COPY and ADD: a tree, and the contents of its files.
protocol CopySource: Sendable {
    var tree: FileTree { get }

    /// Returns the SHA-256 of files' contents.
    func digests(of inodes: [FileTree.InodeID]) throws -> [FileTree.InodeID: Digest]

    /// Passes the files' contents to `chunk`, in an order that suits the source; calls `begin` before each file.
    func read(
        _ inodes: [FileTree.InodeID], begin: (FileTree.InodeID) throws -> Void,
        chunk: (ArraySlice<UInt8>) throws -> Void
    ) throws

    /// Records the SHA-256 of a file that ``read(_:begin:chunk:)`` passed, for the next build.
    func remember(_ digest: Digest, of inode: FileTree.InodeID)
}

extension CopySource {
    func remember(_ digest: Digest, of inode: FileTree.InodeID) {}
}

/// The files of an image, read directly from its layers.
struct ImageSource: CopySource {
    let image: Image
    let tree: FileTree

    func digests(of inodes: [FileTree.InodeID]) throws -> [FileTree.InodeID: Digest] {
        var digests: [FileTree.InodeID: Digest] = [:]
        try image.readContents(of: inodes, in: tree, verifying: true) { inode, reader in
            var hasher = Digest.Hasher()
            try reader.readContent { hasher.update($0) }
            digests[inode] = hasher.finalize()
        }
        return digests
    }

    func read(
        _ inodes: [FileTree.InodeID], begin: (FileTree.InodeID) throws -> Void,
        chunk: (ArraySlice<UInt8>) throws -> Void
    ) throws {
        try image.readContents(of: inodes, in: tree, verifying: true) { inode, reader in
            try begin(inode)
            try reader.readContent(chunk)
        }
    }
}

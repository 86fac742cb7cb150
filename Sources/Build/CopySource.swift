internal import Linux
internal import OCI
internal import SystemPackage

/// Where COPY and ADD take files from: a tree, and the contents of its files.
protocol CopySource: Sendable {
    var tree: FileTree { get }

    /// The SHA-256 of files' contents.
    func digests(of inodes: [FileTree.InodeID]) throws -> [FileTree.InodeID: Digest]

    /// Gives each file's content to `body`, chunk by chunk, in an order that suits the source: first the file, then its
    /// chunks.
    func read(
        _ inodes: [FileTree.InodeID], begin: (FileTree.InodeID) throws -> Void,
        chunk: (ArraySlice<UInt8>) throws -> Void
    ) throws
}

/// The files of an image, read from its layers: no file system is touched.
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

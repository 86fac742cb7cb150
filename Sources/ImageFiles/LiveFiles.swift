public import OCI

/// The live files of a tree by inode, each with one of its paths.
///
/// An inode has the path that it was added under. That name may be deleted while a hard link still exists.
public struct LiveFiles {
    /// The inodes of live regular files, each once, in the order of their first paths.
    public private(set) var files: [FileTree.InodeID] = []
    private var paths: [FileTree.InodeID: ImagePath] = [:]

    /// The live files of `tree`.
    public init(_ tree: FileTree) {
        tree.walk { path, node in
            let id = tree[node: node].inode
            guard tree.inodes[id].kind.isFile, paths[id] == nil else { return }
            paths[id] = path
            files.append(id)
        }
    }

    /// Returns the first live path of a file; nil for a deleted one.
    public func path(of inode: FileTree.InodeID) -> ImagePath? { paths[inode] }
}

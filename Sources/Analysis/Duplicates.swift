public import OCI

/// Files of equal content that live side by side.
public struct Duplicate: Sendable, Equatable {
    /// The content.
    public let digest: Digest
    /// The size of one copy.
    public let size: Int64
    /// One living path of every copy, sorted. Hard links are one copy.
    public let paths: [ImagePath]
    /// The layers that bring them, ascending.
    public let layers: [Int]

    /// What all copies but one take.
    public var bytes: Int64 { size &* Int64(paths.count - 1) }

    /// The duplicates of a tree that was read with contents, those that cost most first. Empty files don't count.
    static func all(in tree: FileTree, _ living: Living) -> [Duplicate] {
        var groups: [Digest: [FileTree.InodeID]] = [:]
        for id in living.files where tree.inodes[id].kind.size > 0 {
            if let content = tree.inodes[id].content { groups[content, default: []].append(id) }
        }
        return groups.compactMap { content, inodes in
            guard let first = inodes.first, inodes.count > 1 else { return nil }
            return Duplicate(
                digest: content, size: tree.inodes[first].kind.size,
                paths: inodes.compactMap { living.path(of: $0) }.sorted(),
                layers: Set(inodes.map { tree.inodes[$0].layer }).sorted())
        }.sorted { ($1.bytes, $0.digest) < ($0.bytes, $1.digest) }
    }
}

/// The living files of a tree by inode, each with one of its paths.
///
/// An inode remembers the path under which it came; that name may be gone while a hard link to it lives.
struct Living {
    /// Inodes of living regular files, each once, in the order of their first paths.
    private(set) var files: [FileTree.InodeID] = []
    private var paths: [FileTree.InodeID: ImagePath] = [:]

    init(_ tree: FileTree) {
        tree.walk { path, node in
            let id = tree[node: node].inode
            guard tree.inodes[id].kind.isFile, paths[id] == nil else { return }
            paths[id] = path
            files.append(id)
        }
    }

    /// The first living path of a file; nil for one that is gone.
    func path(of inode: FileTree.InodeID) -> ImagePath? { paths[inode] }
}

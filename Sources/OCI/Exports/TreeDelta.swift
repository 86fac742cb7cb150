internal import Linux

/// The difference of two trees as the entries of one layer.
///
/// It has no path twice, no hidden bytes, and whiteouts only for paths of the lower tree.
/// ```
/// directories and whiteouts, by path | links, devices | files, as the layers have them | further names
/// ```
/// A directory comes before its contents, and a file before its hard links, so a reader needs no second pass. Contents
/// are read in one pass over the layers.
struct TreeDelta {
    private let tree: FileTree
    /// Directories and whiteouts, in path order.
    private(set) var heads: [LayerEntry] = []
    /// Symbolic links, devices and pipes.
    private(set) var specials: [LayerEntry] = []
    /// The files whose contents are needed, under their first new name.
    private(set) var files: [FileTree.InodeID: LayerEntry] = [:]
    /// Further names of files.
    private(set) var links: [LayerEntry] = []

    /// Computes the difference of `base` and `tree`, which is `base` with more layers applied.
    init(from base: FileTree = FileTree(), to tree: FileTree) {
        self.tree = tree
        addWhiteouts(base)
        addNodes(base)
        heads = heads.map { (key: Self.key($0), entry: $0) }.sorted { $0.key < $1.key }.map(\.entry)
    }

    /// Passes files with content to `file`, together with a reader of the content, and every other entry to `add`.
    ///
    /// The content comes from `image`, whose tree this is; every layer that is read is verified.
    func write(
        from image: Image, add: (LayerEntry) throws -> Void, file: (LayerEntry, TarReader) throws -> Void
    ) throws {
        for entry in heads + specials { try add(entry) }
        try image.readContents(of: files.keys.sorted(), in: tree, verifying: true) { inode, reader in
            guard let entry = files[inode] else { return }
            try file(entry, reader)
        }
        for entry in links { try add(entry) }
    }

    /// Returns the sort key: for a whiteout the path of its marker.
    private static func key(_ entry: LayerEntry) -> ImagePath {
        guard entry.change == .remove else { return entry.path }
        return entry.path.parent.appending(Array(".wh.".utf8) + entry.path.name)
    }

    private mutating func addWhiteouts(_ base: FileTree) {
        var stack = [(path: ImagePath.root, old: FileTree.rootNode, new: FileTree.rootNode)]
        while let (path, old, new) = stack.popLast() {
            for (name, child) in base[node: old].children {
                guard let now = tree[node: new].children[name] else {
                    heads.append(LayerEntry(path.appending(name), .remove))
                    continue
                }
                guard base.inode(of: child).kind.isDirectory, tree.inode(of: now).kind.isDirectory else { continue }
                stack.append((path.appending(name), child, now))
            }
        }
    }

    private mutating func addNodes(_ base: FileTree) {
        // New names may link to a name that a file of the base keeps.
        var first: [FileTree.InodeID: ImagePath] = [:]
        var changed: [(path: ImagePath, node: FileTree.NodeID)] = []
        tree.walk { path, node in
            let inode = tree[node: node].inode
            if let old = base.node(at: path), base[node: old].inode == inode {
                if first[inode] == nil { first[inode] = path }
            } else {
                changed.append((path, node))
            }
        }
        for (path, node) in changed { add(path, tree[node: node].inode, &first) }
    }

    private mutating func add(_ path: ImagePath, _ id: FileTree.InodeID, _ first: inout [FileTree.InodeID: ImagePath]) {
        let inode = tree.inodes[id]
        let entry = LayerEntry(path, .add(inode.kind), inode.metadata)
        if inode.kind.isDirectory {
            // A root that no layer contains is left out.
            if !path.isRoot || inode.ordinal >= 0 { heads.append(entry) }
        } else if let target = first[id] {
            links.append(LayerEntry(path, .link(to: target), inode.metadata))
        } else {
            first[id] = path
            if inode.kind.isFile { files[id] = entry } else { specials.append(entry) }
        }
    }
}

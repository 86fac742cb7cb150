internal import Linux

/// What leads from one tree to another as the entries of one layer: no path twice, no byte that nobody sees, whiteouts
/// only for what the lower tree has.
///
/// ```
/// directories and whiteouts, by path | links, devices | files, as the layers have them | further names
/// ```
/// Whatever is below a directory follows it, and a hard link its file, so a reader needs no second pass; contents are
/// read in one pass over the layers.
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

    /// The way from `base` to `tree`, which came of applying layers to `base`.
    init(from base: FileTree = FileTree(), to tree: FileTree) {
        self.tree = tree
        addWhiteouts(base)
        addNodes(base)
        heads = heads.map { (key: Self.key($0), entry: $0) }.sorted { $0.key < $1.key }.map(\.entry)
    }

    /// Gives every entry to `add`, but files whose content is needed to `file`, with the reader of that content. It comes
    /// from `image`, whose tree this is; every layer that is read is verified.
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

    /// A whiteout stands where its marker does.
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
        // A name that a file of the base keeps can be what its new names link to.
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
            // A root that no layer tells of stays untold.
            if !path.isRoot || inode.ordinal >= 0 { heads.append(entry) }
        } else if let target = first[id] {
            links.append(LayerEntry(path, .link(to: target), inode.metadata))
        } else {
            first[id] = path
            if inode.kind.isFile { files[id] = entry } else { specials.append(entry) }
        }
    }
}

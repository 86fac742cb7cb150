internal import OCI

/// What the sources of COPY or ADD name, before it is known where it goes.
struct CopySelection: Sendable {
    /// One named file or directory.
    struct Root: Sendable {
        let node: FileTree.NodeID
        /// The source as it was written.
        let source: String
        /// What it is called in a destination directory: the last name of the source, even where that is a link to
        /// something of another name.
        let name: [UInt8]
    }

    let tree: FileTree
    let roots: [Root]
    private let excludes: @Sendable (ImagePath) -> Bool

    /// Finds the nodes that `sources` name, links followed, patterns in byte order.
    ///
    /// A pattern without a match is nothing; a plain name without one is an error. `matches` is Go's `path.Match` for
    /// one component.
    init(
        _ sources: [String], in tree: FileTree, excludes: @escaping @Sendable (ImagePath) -> Bool,
        matches: (_ pattern: String, _ name: [UInt8]) -> Bool
    ) throws(BuildError) {
        self.tree = tree
        self.excludes = excludes
        var roots: [Root] = []
        for source in sources {
            let path = try CopyPlan.absolute(source, in: "/")
            guard source.contains(where: { "*?[\\".contains($0) }) else {
                guard let found = tree.resolve(path) else { throw .sourceNotFound(source) }
                roots.append(Root(node: found.node, source: source, name: Array(path.name)))
                continue
            }
            for path in Self.expand(path, in: tree, matches) {
                guard let found = tree.resolve(path) else { continue }
                roots.append(Root(node: found.node, source: source, name: Array(path.name)))
            }
        }
        self.roots = roots
    }

    private static func expand(
        _ pattern: ImagePath, in tree: FileTree, _ matches: (String, [UInt8]) -> Bool
    ) -> [ImagePath] {
        var level: [ImagePath] = [.root]
        for component in pattern.components {
            let text = String(decoding: component, as: UTF8.self)
            var next: [ImagePath] = []
            for directory in level {
                guard let node = tree.resolve(directory)?.node else { continue }
                let path = tree.path(of: node)
                let names = tree[node: node].children.keys.filter { matches(text, $0) }
                next += names.sorted { $0.lexicographicallyPrecedes($1) }.map(path.appending)
            }
            level = next
        }
        return level
    }

    /// Everything below a root that is not excluded, by its path as seen from the root; the root itself as `/`.
    func walk(_ root: Root, _ body: (_ relative: ImagePath, FileTree.NodeID) throws -> Void) rethrows {
        let depth = tree.path(of: root.node).components.count
        try tree.walk(from: root.node) { path, node in
            let relative = path.components.dropFirst(depth).reduce(ImagePath.root) { $0.appending($1) }
            if node == root.node || !excludes(relative) { try body(relative, node) }
        }
    }

    /// The regular files selected.
    var files: [FileTree.InodeID] {
        var files: Set<FileTree.InodeID> = []
        for root in roots {
            walk(root) { _, node in
                if tree.inode(of: node).kind.isFile { files.insert(tree[node: node].inode) }
            }
        }
        return files.sorted()
    }

    /// Adds all that a copy depends on: names, kinds, modes, owners, attributes and contents, but no times.
    func add(to key: inout Fingerprint, digests: [FileTree.InodeID: Digest]) {
        var links: [FileTree.InodeID: ImagePath] = [:]
        for root in roots {
            key.add("root", root.name)
            walk(root) { path, node in
                let inode = tree.inode(of: node)
                let metadata = inode.metadata
                key.add("path", path.bytes)
                Self.add(inode.kind, to: &key)
                key.add("mode", "\(metadata.mode) \(metadata.uid) \(metadata.gid)")
                for (name, value) in metadata.xattrs.sorted(by: { $0.key < $1.key }) { key.add(name, value) }
                if let digest = digests[tree[node: node].inode] { key.add("content", digest.description) }
                guard inode.linkCount > 1, !inode.kind.isDirectory else { return }
                if let first = links[tree[node: node].inode] { key.add("link", first.bytes) }
                links[tree[node: node].inode] = path
            }
        }
    }

    private static func add(_ kind: FileKind, to key: inout Fingerprint) {
        switch kind {
        case .directory: key.add("kind", "directory")
        case .file(let size): key.add("file", "\(size)")
        case .symlink(let target): key.add("symlink", target)
        case .characterDevice(let major, let minor): key.add("character", "\(major):\(minor)")
        case .blockDevice(let major, let minor): key.add("block", "\(major):\(minor)")
        case .fifo: key.add("kind", "fifo")
        }
    }
}

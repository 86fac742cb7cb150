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
            key.hash("root", root.name)
            walk(root) { path, node in
                let inode = tree.inode(of: node)
                key.hash("path", path.bytes)
                key.hash("kind", Self.text(of: inode.kind))
                if case .symlink(let target) = inode.kind { key.hash("target", target) }
                key.hash("mode", Self.attributes(of: inode.metadata))
                for (name, value) in inode.metadata.xattrs.sorted(by: { $0.key < $1.key }) { key.hash(name, value) }
                if let digest = digests[tree[node: node].inode] { key.hash("content", digest.description) }
                guard inode.linkCount > 1, !inode.kind.isDirectory else { return }
                if let first = links[tree[node: node].inode] { key.hash("link", first.bytes) }
                links[tree[node: node].inode] = path
            }
        }
        key.tell { inputs(digests) }
    }

    /// Every path with what it holds, for people.
    private func inputs(_ digests: [FileTree.InodeID: Digest]) -> [StepInput] {
        roots.flatMap { root in
            var inputs: [StepInput] = []
            walk(root) { _, node in
                let inode = tree.inode(of: node)
                let content = digests[tree[node: node].inode]?.description ?? Self.text(of: inode.kind)
                let value = [content, Self.attributes(of: inode.metadata)] + inode.metadata.xattrs.keys.sorted()
                let path = tree.path(of: node)
                let name =
                    path.isRoot ? "the root directory" : "\(inode.kind.isDirectory ? "directory" : "file") \(path)"
                inputs.append(StepInput(name: name, value: value.joined(separator: " ")))
            }
            return inputs
        }
    }

    private static func attributes(of metadata: FileMetadata) -> String {
        "0\(String(metadata.mode, radix: 8)) \(metadata.uid):\(metadata.gid)"
    }

    private static func text(of kind: FileKind) -> String {
        switch kind {
        case .directory: "directory"
        case .file(let size): "file of \(size) bytes"
        case .symlink(let target): "link to \(String(decoding: target, as: UTF8.self))"
        case .characterDevice(let major, let minor): "character device \(major):\(minor)"
        case .blockDevice(let major, let minor): "block device \(major):\(minor)"
        case .fifo: "fifo"
        }
    }
}

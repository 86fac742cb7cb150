internal import Frontend
internal import OCI

/// The files that the sources of COPY or ADD select, independent of the destination.
struct CopySelection: Sendable {
    /// One named file or directory.
    struct Root: Sendable {
        let node: FileTree.NodeID
        /// The source as it is written.
        let source: String
        /// The name in a destination directory: the last component of the source, even if that is a link.
        let name: [UInt8]
        /// The paths below it that `--parents` leaves out.
        fileprivate var rules: IgnoreRules?
        /// The paths below it that `--exclude` leaves out.
        fileprivate var excludes = IgnoreRules()
        /// True for the content of an archive: its entries replace whatever is in their place.
        private(set) var isArchive = false

        fileprivate func ofArchive() -> Root {
            var copy = self
            copy.isArchive = true
            return copy
        }

        /// Returns the same root in another tree.
        func moved(to node: FileTree.NodeID) -> Root {
            let copy = Root(node: node, source: source, name: name, rules: rules, excludes: excludes)
            return isArchive ? copy.ofArchive() : copy
        }
    }

    /// A path below a root, relative to it; the root itself is `/`.
    struct SelectedPath {
        let path: ImagePath
        let node: FileTree.NodeID
        /// True if only something in the directory is selected, not the directory itself.
        var isOnlyParent = false
    }

    let tree: FileTree
    let roots: [Root]

    /// Finds the nodes that `sources` name.
    ///
    /// - Throws: ``BuildError/sourceNotFound(_:)`` for a name that doesn't exist; a pattern may match nothing.
    init(_ sources: [SourcePath], excluding excludes: IgnoreRules, in tree: FileTree) throws(BuildError) {
        self.tree = tree
        var roots: [Root] = []
        for source in sources {
            for (path, node) in try source.find(in: tree) {
                // The patterns are relative to a source that is a directory, and to the parent of one that is a file.
                if !tree.inode(of: node).kind.isDirectory, excludes.excludes(path.name) { continue }
                roots.append(
                    Root(
                        node: node, source: source.text, name: Array(path.name), rules: source.rules, excludes: excludes
                    ))
            }
        }
        self.roots = roots
        for source in sources where source.rules != nil && source.isRequired && !finds(source.text) {
            throw .sourceNotFound(source.text)
        }
    }

    /// A selection of these roots.
    init(_ roots: [Root], in tree: FileTree) {
        (self.roots, self.tree) = (roots, tree)
    }

    /// A selection of all entries of an archive.
    init(ofArchive tree: FileTree, named name: String) {
        self.init([Root(node: FileTree.rootNode, source: name, name: Array(name.utf8)).ofArchive()], in: tree)
    }

    /// A selection of one node.
    init(
        _ node: FileTree.NodeID, named name: String, source: String, excluding excludes: IgnoreRules = IgnoreRules(),
        in tree: FileTree
    ) {
        self.init([Root(node: node, source: source, name: Array(name.utf8), excludes: excludes)], in: tree)
    }

    private func finds(_ source: String) -> Bool {
        var count = 0
        for root in roots where root.source == source { walk(root) { _ in count += 1 } }
        return count > roots.count { $0.source == source }
    }

    /// Visits all selected paths of a root and their parents, each directory before its content, names in byte order.
    func walk<Failure: Error>(_ root: Root, _ body: (SelectedPath) throws(Failure) -> Void) throws(Failure) {
        var above: [SelectedPath] = []
        var pending = [SelectedPath(path: .root, node: root.node)]
        while var next = pending.popLast() {
            while let last = above.last, !next.path.isWithin(last.path) { above.removeLast() }
            let isDirectory = tree.inode(of: next.node).kind.isDirectory
            if next.path.isRoot || takes(next.path, of: root) {
                for parent in above { try body(parent) }
                above = []
                try body(next)
            } else {
                guard isDirectory, mayTake(below: next.path, of: root) else { continue }
                next.isOnlyParent = true
                above.append(next)
            }
            guard isDirectory else { continue }
            let children = tree[node: next.node].children.sorted { $1.key.lexicographicallyPrecedes($0.key) }
            pending += children.map { SelectedPath(path: next.path.appending($0.key), node: $0.value) }
        }
    }

    private func takes(_ path: ImagePath, of root: Root) -> Bool {
        !root.excludes.excludes(path) && root.rules?.excludes(path) != true
    }

    private func mayTake(below path: ImagePath, of root: Root) -> Bool {
        guard !root.excludes.excludes(path) || root.excludes.mayInclude(below: path) else { return false }
        return root.rules.map { !$0.excludes(path) || $0.mayInclude(below: path) } ?? true
    }

    /// All selected regular files.
    var files: [FileTree.InodeID] {
        var files: Set<FileTree.InodeID> = []
        for root in roots {
            walk(root) { found in
                if tree.inode(of: found.node).kind.isFile { files.insert(tree[node: found.node].inode) }
            }
        }
        return files.sorted()
    }

    /// Adds all inputs of a copy: names, kinds, modes, owners, attributes and contents, but no times.
    func add(to key: inout StepFingerprint, digests: [FileTree.InodeID: Digest]) {
        for root in roots {
            var links: [FileTree.InodeID: ImagePath] = [:]
            key.hash("root", root.name)
            walk(root) { found in
                let (path, node) = (found.path, found.node)
                let inode = tree.inode(of: node)
                key.hash(found.isOnlyParent ? "parent" : "path", path.bytes)
                key.hash("kind", Self.text(of: inode.kind))
                // Of a root directory only the content matters.
                if path.isRoot, inode.kind.isDirectory { return }
                if case .symlink(let target) = inode.kind { key.hash("target", target) }
                key.hash("mode", Self.attributes(of: inode.metadata))
                for (name, value) in inode.metadata.xattrs.sorted(by: { $0.key < $1.key }) { key.hash(name, value) }
                if let digest = digests[tree[node: node].inode] { key.hash("content", digest.description) }
                guard inode.linkCount > 1, inode.kind.isFile else { return }
                if let first = links[tree[node: node].inode] { key.hash("link", first.bytes) }
                links[tree[node: node].inode] = path
            }
        }
        key.explain { addInputs(digests, to: &$0) }
    }

    /// Adds every path with its content, for reports.
    private func addInputs(_ digests: [FileTree.InodeID: Digest], to inputs: inout StepInputs) {
        for root in roots {
            let top = tree.path(of: root.node)
            walk(root) { found in
                let node = found.node
                let inode = tree.inode(of: node)
                if found.path.isRoot, inode.kind.isDirectory { return }
                let content = digests[tree[node: node].inode]?.description ?? Self.text(of: inode.kind)
                let attributes = inode.metadata.xattrs.keys.sorted().map { " " + $0 }
                inputs.add(
                    [inode.kind.isDirectory ? "directory " : "file ", "\(found.path.moved(below: top))"],
                    [content, " ", Self.attributes(of: inode.metadata)] + attributes)
            }
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

internal import OCI

/// Files of several trees in one joined tree, so that one layer can be planned from them.
///
/// ```
/// /0 /1 /2 ...     the files of each root of each selection, in their order
/// ```
struct JoinedSource: CopySource {
    let tree: FileTree
    /// The roots of all selections.
    let selection: CopySelection
    private let sources: [any CopySource]
    /// The source and inode of each entry of the joined tree, by its ordinal.
    private let places: [(source: Int, inode: FileTree.InodeID)]

    init(_ pieces: [AddPiece]) throws {
        var joining = JoinedEntries()
        for (index, piece) in pieces.enumerated() {
            for root in piece.selection.roots { try joining.add(root, of: piece.selection.tree, source: index) }
        }
        var tree = FileTree()
        try tree.apply(joining.entries.map { ($0, nil) }, layer: 0, name: "of this ADD")
        let roots = try joining.roots.enumerated().map { index, root in
            root.moved(to: tree.node(at: try Self.path(of: index)) ?? FileTree.rootNode)
        }
        sources = pieces.map(\.source)
        places = joining.places
        selection = CopySelection(roots, in: tree)
        self.tree = tree
    }

    fileprivate static func path(of root: Int) throws -> ImagePath { try ImagePath("\(root)") }

    func digests(of inodes: [FileTree.InodeID]) throws -> [FileTree.InodeID: Digest] {
        var digests: [FileTree.InodeID: Digest] = [:]
        for (index, wanted) in bySource(inodes) {
            for (inode, digest) in try sources[index].digests(of: Array(wanted.keys)) {
                if let joined = wanted[inode] { digests[joined] = digest }
            }
        }
        return digests
    }

    func read(
        _ inodes: [FileTree.InodeID], begin: (FileTree.InodeID) throws -> Void,
        chunk: (ArraySlice<UInt8>) throws -> Void
    ) throws {
        // A file that two roots name has two entries here; its source passes it once in each pass.
        var left = inodes
        while !left.isEmpty {
            var given: Set<FileTree.InodeID> = []
            for (index, wanted) in bySource(left) {
                given.formUnion(wanted.values)
                try sources[index].read(
                    wanted.keys.sorted(), begin: { if let joined = wanted[$0] { try begin(joined) } }, chunk: chunk)
            }
            left = left.filter { !given.contains($0) }
        }
    }

    /// Returns each source, in order, with its requested inodes and those of the joined tree.
    private func bySource(
        _ inodes: [FileTree.InodeID]
    ) -> [(source: Int, wanted: [FileTree.InodeID: FileTree.InodeID])] {
        var result: [Int: [FileTree.InodeID: FileTree.InodeID]] = [:]
        for joined in inodes where tree.inodes[joined].ordinal >= 0 {
            let place = places[tree.inodes[joined].ordinal]
            result[place.source, default: [:]][place.inode] = joined
        }
        return result.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}

/// The entries of a joined tree under construction.
private struct JoinedEntries {
    var entries: [LayerEntry] = []
    var places: [(source: Int, inode: FileTree.InodeID)] = []
    var roots: [CopySelection.Root] = []

    mutating func add(_ root: CopySelection.Root, of tree: FileTree, source: Int) throws {
        let top = try JoinedSource.path(of: roots.count)
        let depth = tree.path(of: root.node).components.count
        roots.append(root)
        var names: [FileTree.InodeID: ImagePath] = [:]
        tree.walk(from: root.node) { path, node in
            let (id, inode) = (tree[node: node].inode, tree.inode(of: node))
            // A directory without an entry of its own is implied by its children, so only an empty one is added.
            if inode.ordinal < 0, inode.kind.isDirectory, !tree[node: node].children.isEmpty { return }
            let place = path.components.dropFirst(depth).reduce(top) { $0.appending($1) }
            var change = LayerEntry.Change.add(inode.kind)
            if inode.linkCount > 1, !inode.kind.isDirectory {
                if let first = names[id] { change = .link(to: first) } else { names[id] = place }
            }
            entries.append(LayerEntry(place, change, inode.metadata))
            places.append((source, id))
        }
    }
}

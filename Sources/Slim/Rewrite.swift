internal import ImageFiles
internal import Linux
public import OCI

extension Image {
    /// Makes the image with only the files of `plan`, in one layer.
    ///
    /// The configuration is the same except for the layer and its history. The same plan gives the same bytes. After
    /// the return `store` has all of the image.
    public func slimmed(by plan: SlimPlan, into store: Store, compression: Compression = .gzip) async throws -> Image {
        let lower = Array(layers.prefix(plan.keptLayerCount))
        let below = try await replacingLayers(lower, history: []).tree()
        let layer = try await Offload.run { try Rewrite(plan, above: below).write(into: store, compression) }
        let history = History(
            created: config.created, createdBy: "thaw slim \(descriptor.digest)", comment: "thaw slim")
        let slim = replacingLayers(lower + [layer], history: self.history(ofLayers: lower.count) + [history])
            .based(on: nil, nil)
        return try Image(manifest: store.publish(slim, as: nil), in: store)
    }
}

extension Image {
    /// Returns the history up to the step that made the last of the lowest `count` layers.
    private func history(ofLayers count: Int) -> [History] {
        guard count > 0 else { return [] }
        var left = count
        let end = config.history.firstIndex { step in
            if !step.isEmptyLayer { left -= 1 }
            return left == 0
        }
        return end.map { Array(config.history[...$0]) }
            ?? [History](repeating: History(created: config.created, createdBy: nil), count: count)
    }
}

/// A writer of the layer of a plan, above the layers that stay untouched.
///
/// ```
/// removals | directories | links, devices | files, in the order of the old layers | files with new contents | further names
/// ```
/// A directory comes before its contents, and a file before its hard links, so a reader needs no second pass.
private struct Rewrite {
    private let plan: SlimPlan
    private var tree: FileTree { plan.contents.tree }

    /// The kept paths by their order in the layer: the first path of every file, and the others.
    private var directories: [FileTree.NodeID] = []
    private var specials: [FileTree.NodeID] = []
    private var files: [FileTree.InodeID: FileTree.NodeID] = [:]
    private var replaced: [FileTree.NodeID] = []
    private var links: [(FileTree.NodeID, to: FileTree.NodeID)] = []
    /// The paths of the lower layers that the image doesn't have.
    private var removals: [ImagePath] = []

    init(_ plan: SlimPlan, above below: FileTree) {
        self.plan = plan
        let tree = plan.contents.tree
        below.walk { path, _ in
            guard tree.node(at: path) == nil, tree.inode(at: path.parent)?.kind.isDirectory ?? false else { return }
            removals.append(path)
        }
        let untouched = Self.untouched(plan, in: below)
        var firsts = Dictionary(untouched.sorted().map { (tree[node: $0].inode, $0) }) { first, _ in first }
        plan.contents.tree.walk { _, node in
            guard plan.keep[node] != nil, !untouched.contains(node) else { return }
            let inode = plan.contents.tree[node: node].inode
            let kind = plan.contents.tree.inodes[inode].kind
            if kind.isDirectory { return directories.append(node) }
            if plan.replacements[node] != nil { return replaced.append(node) }
            if let first = firsts[inode] { return links.append((node, to: first)) }
            firsts[inode] = node
            if kind.isFile { files[inode] = node } else { specials.append(node) }
        }
    }

    /// Returns the kept paths that are the same in the lower layers.
    private static func untouched(_ plan: SlimPlan, in below: FileTree) -> Set<FileTree.NodeID> {
        let tree = plan.contents.tree
        var found = Set<FileTree.NodeID>()
        below.walk { path, lower in
            guard let node = tree.node(at: path), plan.keep[node] != nil, plan.replacements[node] == nil else { return }
            let (old, new) = (below.inode(of: lower), tree.inode(of: node))
            if (old.layer, old.ordinal) == (new.layer, new.ordinal) { found.insert(node) }
        }
        return found
    }

    func write(into store: Store, _ compression: Compression) throws -> Layer {
        let writer = try LayerWriter(into: store, compression: compression)
        for path in removals { try writer.add(LayerEntry(path, .remove)) }
        for node in directories + specials { try writer.add(entry(node)) }
        try plan.contents.image.readContents(of: files.keys.sorted(), in: tree) { inode, reader in
            guard let node = files[inode] else { return }
            try writer.add(entry(node))
            try reader.readContent { try writer.write($0) }
        }
        for node in replaced {
            let content = plan.replacements[node] ?? []
            try writer.add(entry(node, .add(.file(size: Int64(content.count)))))
            if !content.isEmpty { try writer.write(content[...]) }
        }
        for (node, first) in links { try writer.add(entry(node, .link(to: tree.path(of: first)))) }
        return try writer.finish()
    }

    private func entry(_ node: FileTree.NodeID, _ change: LayerEntry.Change? = nil) -> LayerEntry {
        let inode = tree.inode(of: node)
        return LayerEntry(tree.path(of: node), change ?? .add(inode.kind), inode.metadata)
    }
}

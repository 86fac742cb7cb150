internal import Linux
internal import OCI

/// The file trees of the images of one build: each is made once, from the longest known lower stack.
///
/// The most recently used trees are kept, up to a total number of files and at least the last few.
actor TreeCache {
    private let store: Store
    private var known: [Digest: FileTree] = [:]
    /// The chain IDs of the known trees, the most recently used last.
    private var recent: [Digest] = []
    /// The limit of files in all kept trees: about 100 MB.
    private static let fileLimit = 200_000
    private static let leastKept = 4

    init(_ store: Store) { self.store = store }

    /// Returns the tree of an image's layers.
    func tree(of image: Image) async throws -> FileTree {
        let chains = Digest.chainIDs(of: image.layers)
        let found = chains.lastIndex { known[$0] != nil }
        var tree = found.flatMap { known[chains[$0]] } ?? FileTree()
        let count = found.map { $0 + 1 } ?? 0
        let store = store
        for index in count..<image.layers.count {
            let layer = image.layers[index]
            let entries = try await Offload.run { try store.entries(of: layer, in: image) }
            try tree.apply(entries.map { ($0, nil) }, layer: index, name: layer.descriptor.digest.short)
        }
        if let chain = chains.last { keep(tree, as: chain) }
        return tree
    }

    private func keep(_ tree: FileTree, as chain: Digest) {
        known[chain] = tree
        recent.removeAll { $0 == chain }
        recent.append(chain)
        var count = recent.reduce(0) { $0 + (known[$1]?.inodes.count ?? 0) }
        while count > Self.fileLimit, recent.count > Self.leastKept {
            count -= known.removeValue(forKey: recent.removeFirst())?.inodes.count ?? 0
        }
    }
}

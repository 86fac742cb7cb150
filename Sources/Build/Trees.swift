internal import Linux
internal import OCI

/// The trees of the images of one build: each is made once, and from the tree below it where that is known.
///
/// Those that were used last are kept, as long as they have few files in all or are needed for the next step.
actor Trees {
    private let store: Store
    private var known: [Digest: FileTree] = [:]
    /// The chain IDs of the known trees, the one used last at the end.
    private var recent: [Digest] = []
    /// Files of all kept trees: about 100 MB.
    private static let fileLimit = 200_000
    private static let leastKept = 4

    init(_ store: Store) { self.store = store }

    /// The tree of an image's layers.
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

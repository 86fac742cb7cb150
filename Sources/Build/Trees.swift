internal import Linux
internal import OCI

/// The trees of the images of one build: each is made once, and from the tree below it where that is known.
actor Trees {
    private let store: Store
    private var known: [Digest: FileTree] = [:]

    init(_ store: Store) { self.store = store }

    /// The tree of an image's layers.
    func tree(of image: Image) async throws -> FileTree {
        var count = image.layers.count
        var tree = FileTree()
        while count > 0 {
            if let chain = Digest.chainID(of: image.layers[..<count]), let found = known[chain] {
                tree = found
                break
            }
            count -= 1
        }
        let store = store
        for index in count..<image.layers.count {
            let layer = image.layers[index]
            let entries = try await Offload.run { try store.entries(of: layer, in: image) }
            try tree.apply(entries.map { ($0, nil) }, layer: index, name: layer.descriptor.digest.short)
            if let chain = Digest.chainID(of: image.layers[...index]) { known[chain] = tree }
        }
        return tree
    }
}

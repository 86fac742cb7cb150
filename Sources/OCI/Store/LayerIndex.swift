internal import Linux
internal import SystemPackage

// A layer's headers without its contents: what a tree needs, at a hundredth of the size and none of the decompression.
// Kept as a tar without contents, compressed; a cache, so a damaged one is made again.

extension Store {
    /// The tree of an image, through the headers that the store remembers.
    public func tree(of image: Image) async throws -> FileTree {
        let lists = try await Offload.map(image.layers, width: 2) { try entries(of: $0, in: image) }
        var tree = FileTree()
        for (index, list) in lists.enumerated() {
            let name = image.layers[index].descriptor.digest.short
            try tree.apply(list.map { ($0, nil) }, layer: index, name: name)
        }
        return tree
    }

    /// A layer's entries, in order.
    public func entries(of layer: Layer, in image: Image) throws -> [LayerEntry] {
        if let known = try? rememberedEntries(of: layer.diffID) { return known }
        let reader = try image.open(layer)
        var entries: [LayerEntry] = []
        var skeleton: [UInt8] = []
        while let entry = try reader.next() {
            entries.append(entry)
            skeleton += TarWriter.header(of: entry)
        }
        try remember(skeleton: skeleton, of: layer.diffID)
        return entries
    }

    func remember(skeleton: [UInt8], of diffID: Digest) throws {
        let packed = MemorySink()
        let compressor = compressing(to: packed, .zstd)
        try compressor.write(skeleton[...])
        try compressor.finish()
        try root.replace(Self.indexPath(of: diffID), with: packed.bytes)
    }

    private func rememberedEntries(of diffID: Digest) throws -> [LayerEntry] {
        let packed = FileSource(try root.open(Self.indexPath(of: diffID)))
        let reader = TarReader(
            try decompressing(packed, .zstd, name: "index of \(diffID)"), layer: diffID.short, isSkeleton: true)
        var entries: [LayerEntry] = []
        while let entry = try reader.next() { entries.append(entry) }
        return entries
    }

    private static func indexPath(of diffID: Digest) -> FilePath { FilePath("thaw/index/\(diffID.hex)") }
}

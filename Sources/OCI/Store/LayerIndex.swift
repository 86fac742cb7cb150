internal import Linux
internal import SystemPackage

// A layer's headers without its contents suffice for a tree, at a hundredth of the size and without decompression. They
// are stored as a compressed tar without contents. It is a cache, so a damaged one is made again.

extension Store {
    /// Returns the tree of an image from the stored headers.
    public func tree(of image: Image) async throws -> FileTree {
        let lists = try await Offload.map(image.layers, width: 2) { try entries(of: $0, in: image) }
        var tree = FileTree()
        for (index, list) in lists.enumerated() {
            let name = image.layers[index].descriptor.digest.short
            try tree.apply(list.map { ($0, nil) }, layer: index, name: name)
        }
        return tree
    }

    /// Returns a layer's entries, in order.
    public func entries(of layer: Layer, in image: Image) throws -> [LayerEntry] {
        if let known = try? rememberedEntries(of: layer.diffID) { return known }
        let reader = try image.open(layer)
        var entries: [LayerEntry] = []
        let headers = HeaderIndexWriter()
        while var entry = try reader.next() {
            // The index keeps whole seconds; the first reader must get the same times as the next.
            entry.metadata.mtime = FileTime(seconds: entry.metadata.mtime.seconds)
            entries.append(entry)
            try headers.add(TarWriter.header(of: entry))
        }
        do {
            try remember(headers, of: layer.diffID)
        } catch let error as SystemError where error.refusesWriting {
            // A cache: a store that can only be read works without it.
        }
        return entries
    }

    func remember(_ headers: HeaderIndexWriter, of diffID: Digest) throws {
        try root.replace(Self.indexPath(of: diffID), with: try headers.finish())
    }

    private func rememberedEntries(of diffID: Digest) throws -> [LayerEntry] {
        let packed = FileSource(try root.open(Self.indexPath(of: diffID)))
        let reader = TarReader(
            try decompressing(packed, .zstd, name: "index of \(diffID)"), layer: diffID.short, isHeadersOnly: true)
        var entries: [LayerEntry] = []
        while let entry = try reader.next() { entries.append(entry) }
        return entries
    }

    static func indexPath(of diffID: Digest) -> FilePath { FilePath("thaw/index/\(diffID.hex)") }
}

/// The headers of a layer for the index, compressed as they arrive.
final class HeaderIndexWriter {
    private let packed = MemorySink()
    private let compressor: any FinishingSink

    init() { compressor = compressing(to: packed, .zstd) }

    func add(_ header: [UInt8]) throws { try compressor.write(header) }

    func finish() throws -> [UInt8] {
        try compressor.finish()
        return packed.bytes
    }
}

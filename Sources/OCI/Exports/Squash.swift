extension Image {
    /// Returns this image with all layers from the `count`th on merged into one, with only their visible files.
    ///
    /// The history keeps the steps of the merged layers as steps without a layer, and has one more line for the new
    /// layer. After the return `store` has the layer. The same image gives the same layer.
    public func squashed(above count: Int, into store: Store, compression: Compression = .gzip) throws -> Image {
        guard layers.count > count + 1 else { return self }
        let key = squashKey(count, compression)
        let layer: Layer
        if let known = try store.cachedStep(for: key)?.layer {
            layer = known
        } else {
            layer = try merged(above: count, into: store, compression)
            try store.cache(CachedStep(layer: layer, epoch: 0), for: key)
        }
        let squashed = replacingLayers(Array(layers[..<count]) + [layer], history: squashedHistory(above: count))
        return count == 0 ? squashed.based(on: nil, nil) : squashed
    }

    private func squashKey(_ count: Int, _ compression: Compression) -> Digest {
        var hasher = Digest.Hasher()
        for field in ["squash", "\(count)", compression.rawValue] { hasher.update(field: field) }
        for layer in layers { hasher.update(field: layer.diffID.description) }
        return hasher.finalize()
    }

    private func merged(above count: Int, into store: Store, _ compression: Compression) throws -> Layer {
        var tree = FileTree()
        var base = tree
        for (index, layer) in layers.enumerated() {
            if index == count { base = tree }
            let entries = try store.entries(of: layer, in: self)
            try tree.apply(entries.map { ($0, nil) }, layer: index, name: layer.descriptor.digest.short)
        }
        let writer = try LayerWriter(into: store, compression: compression)
        try TreeDelta(from: base, to: tree).write(from: self, add: { try writer.add($0) }) { entry, reader in
            try writer.add(entry)
            try reader.readContent { try writer.write($0) }
        }
        return try writer.finish()
    }

    private func squashedHistory(above count: Int) -> [History] {
        var made = 0
        var history = config.history
        // An image without a history gets none.
        guard !history.isEmpty else { return [] }
        for index in history.indices where !history[index].isEmptyLayer {
            made += 1
            if made > count { history[index].isEmptyLayer = true }
        }
        let comment = "merged \(layers.count - count) layers"
        return history + [History(created: config.created, createdBy: "thaw build --squash", comment: comment)]
    }
}

/// The form of an image's layers and documents in an output.
public struct LayerForm: Sendable, Hashable {
    /// The compression of layers; nil leaves each unchanged.
    public var compression: Compression?
    /// The compression level: gzip 0 to 9, zstd 1 to 22; nil is the default.
    public var level: Int?
    /// True if the base image's layers are converted too.
    public var isForced = false
    /// True if plain layers stay plain until an export compresses them.
    public var isDeferred = false
    /// The family of the media types.
    public var types = MediaType.Family.oci

    /// Leaves layers unchanged and uses OCI's media types.
    public init() {}

    /// True if a conversion to this form's compression leaves the layer unchanged.
    public func fits(_ layer: Descriptor) -> Bool {
        guard level == nil, let compression else { return false }
        let current = layer.mediaType.layerCompression
        if isDeferred, current == .uncompressed { return layer.deferredCompression == compression }
        return current == compression && layer.deferredCompression == nil
    }
}

extension Image {
    /// Returns this image in another form, with the new layers in `store`; layers below `count` are the base's.
    ///
    /// A layer of the requested compression keeps its blob, unless there is a level. Unless the form is deferred too,
    /// layers with a deferred compression are compressed.
    public func converted(to form: LayerForm, above count: Int, into store: Store) throws -> Image {
        var changed = layers
        for (index, layer) in layers.enumerated() {
            let isConverted = form.isForced || index >= count
            changed[index] = try converted(
                layer, to: isConverted ? form.compression : nil, of: form, into: store)
        }
        return try retyped(changed, form.types)
    }

    private func converted(
        _ layer: Layer, to requested: Compression?, of form: LayerForm, into store: Store
    ) throws -> Layer {
        guard let requested else {
            guard !form.isDeferred, let deferred = layer.descriptor.deferredCompression else { return layer }
            return try recompressed(layer, deferred, level: nil, into: store)
        }
        let current = layer.descriptor.mediaType.layerCompression
        if form.level == nil, current == requested { return layer.deferring(nil) }
        if form.level == nil, form.isDeferred, current == .uncompressed { return layer.deferring(requested) }
        return try recompressed(layer, requested, level: form.level, into: store)
    }

    func recompressed(
        _ layer: Layer, _ compression: Compression, level: Int?, into store: Store
    ) throws -> Layer {
        var hasher = Digest.Hasher()
        for field in ["recompress", layer.diffID.description, compression.rawValue, "\(level ?? -1)"] {
            hasher.update(field: field)
        }
        let key = hasher.finalize()
        if let known = try store.cachedStep(for: key)?.layer { return known }
        let made = try LayerWriter(into: store, compression: compression, level: level).copy(tar: openTar(layer))
        try store.cache(CachedStep(layer: made, epoch: 0), for: key)
        return made
    }
}

/// How an output wants an image's layers and documents stored.
public struct LayerForm: Sendable, Hashable {
    /// The compression of layers; nil leaves each as it is.
    public var compression: Compression?
    /// How hard to try: gzip 0 to 9, zstd 1 to 22; nil is the usual.
    public var level: Int?
    /// Whether the base image's layers are stored so too.
    public var isForced = false
    /// Whose media types are used.
    public var types = MediaType.Family.oci

    /// As they are, under OCI's names.
    public init() {}
}

extension Image {
    /// This image in another form. Layers below `count` are the base's. When this returns, `store` has every new layer.
    ///
    /// A layer keeps its blob where that is compressed so already, unless a level is asked for.
    public func converted(to form: LayerForm, above count: Int, into store: Store) throws -> Image {
        var changed = layers
        if let compression = form.compression {
            for (index, layer) in layers.enumerated() where form.isForced || index >= count {
                if layer.descriptor.mediaType.layerCompression == compression, form.level == nil { continue }
                changed[index] = try recompressed(layer, compression, form.level, into: store)
            }
        }
        return try retyped(changed, form.types)
    }

    private func recompressed(
        _ layer: Layer, _ compression: Compression, _ level: Int?, into store: Store
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

/// The form of an image's layers and documents in an output.
public struct LayerForm: Sendable, Hashable {
    /// The compression of layers; nil leaves each unchanged.
    public var compression: Compression?
    /// The compression level: gzip 0 to 9, zstd 1 to 22; nil is the default.
    public var level: Int?
    /// True if the base image's layers are converted too.
    public var isForced = false
    /// The family of the media types.
    public var types = MediaType.Family.oci

    /// Leaves layers unchanged and uses OCI's media types.
    public init() {}
}

extension Image {
    /// Returns this image in another form, with the new layers in `store`; layers below `count` are the base's.
    ///
    /// A layer of the requested compression keeps its blob, unless there is a level.
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

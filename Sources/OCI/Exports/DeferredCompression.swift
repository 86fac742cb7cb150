internal import Linux

// A build leaves its layers plain in the store, and notes in their descriptors the compression that an export gives
// them. So a build that is not exported costs no compression, and every reader of the store finds a valid OCI image.
//
// ```
// build ─► plain layer, annotated ─► store, FROM, boot
//                    └─► export: compressed once for each diff ID ─► push, save, copy, reports of sizes
// ```

extension Descriptor {
    private static let deferredKey = "dev.thaw.export.compression"

    /// The compression that an export gives to this plain layer; nil for a layer that stays as it is.
    public internal(set) var deferredCompression: Compression? {
        get {
            guard mediaType.layerCompression == .uncompressed else { return nil }
            return self[annotation: Self.deferredKey].flatMap { Compression(rawValue: $0) }
        }
        set { self[annotation: Self.deferredKey] = newValue?.rawValue }
    }
}

extension Layer {
    /// Returns this layer with the compression that an export gives to it; nil for none.
    func deferring(_ compression: Compression?) -> Layer {
        guard descriptor.deferredCompression != compression else { return self }
        var descriptor = descriptor
        descriptor.deferredCompression = compression
        return Layer(descriptor: descriptor, diffID: diffID)
    }
}

extension Store {
    /// Returns a set in the form in which it is exported: with the layers compressed that a build left plain for that.
    ///
    /// A set without such layers is returned unchanged, and so is a registry's. The compressed layers are recorded by
    /// their diff ID.
    public func exported(_ set: ImageSet) throws -> ImageSet {
        set.source is Store || set.source is Layout ? try converted(set) : set
    }

    private func converted(_ set: ImageSet) throws -> ImageSet {
        let descriptor = try exported(set.descriptor, of: set.source, depth: 0)
        if descriptor == set.descriptor { return set }
        return ImageSet(descriptor, in: ExportedBlobs(store: self, other: set.source))
    }

    /// Returns an image in the form in which it is exported.
    public func exported(_ image: Image) throws -> Image {
        guard image.layers.contains(where: { $0.descriptor.deferredCompression != nil }) else { return image }
        let set = try converted(ImageSet(image))
        return try Image(manifest: set.descriptor, in: set.source)
    }

    private func exported(_ descriptor: Descriptor, of source: any BlobSource, depth: Int) throws -> Descriptor {
        guard descriptor.mediaType.isIndex || descriptor.mediaType.isManifest, depth < 8 else { return descriptor }
        let bytes: [UInt8]
        do {
            bytes = try source.read(descriptor)
        } catch OCIError.blobMissing where depth > 0 {
            // An index of which only some platforms were saved.
            return descriptor
        }
        let what = "\(descriptor.digest)"
        if descriptor.mediaType.isIndex {
            var index = try Index(parsing: bytes, what: what)
            let entries = try index.manifests.map { try exported($0, of: source, depth: depth + 1) }
            if entries == index.manifests { return descriptor }
            index.manifests = entries
            return try replacing(descriptor, with: index.bytes)
        }
        let manifest = try Manifest(parsing: bytes, digest: descriptor.digest)
        guard manifest.layers.contains(where: { $0.deferredCompression != nil }) else { return descriptor }
        let layers = try manifest.layers.map { layer in
            guard let compression = layer.deferredCompression else { return layer }
            // Of a plain layer the blob is the tar.
            let plain = Layer(descriptor: layer, diffID: layer.digest)
            return try Image.scratch(.host, in: source).recompressed(plain, compression, level: nil, into: self)
                .descriptor
        }
        var json = manifest.json
        json["layers"] = .array(layers.map(\.json))
        if let base = try exportedBase(of: manifest, depth: depth) {
            json["annotations", default: .object([:])][BaseAnnotation.digest] = .string("\(base)")
        }
        return try replacing(descriptor, with: json.bytes)
    }

    /// Returns the digest that a base of this store has in an export; nil if the manifest names none.
    private func exportedBase(of manifest: Manifest, depth: Int) throws -> Digest? {
        guard let text = manifest.annotations[BaseAnnotation.digest], let digest = try? Digest(text) else { return nil }
        let path = Self.path(of: digest)
        guard try root.exists(path) else { return nil }
        let base = Descriptor(mediaType: .manifest, digest: digest, size: try root.status(of: path).size)
        return try exported(base, of: self, depth: depth + 1).digest
    }

    /// Stores a document in place of another one; what else the descriptor says stays.
    private func replacing(_ old: Descriptor, with bytes: [UInt8]) throws -> Descriptor {
        let new = try put(bytes, as: old.mediaType)
        var json = old.json
        json["digest"] = .string("\(new.digest)")
        json["size"] = .integer(new.size)
        return try Descriptor(json, what: "\(new.digest)")
    }
}

/// The blobs of a store, and those of another source that it doesn't have.
private struct ExportedBlobs: BlobSource {
    let store: Store
    let other: any BlobSource

    func open(_ blob: Descriptor) throws -> any ByteSource {
        try store.has(blob) ? store.open(blob) : other.open(blob)
    }

    func openPlain(_ diffID: Digest) throws -> (any ByteSource)? { try store.openPlain(diffID) }
}

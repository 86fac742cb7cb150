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

extension Manifest {
    /// True if an export compresses layers that a build left plain; the manifest has another digest there.
    public var hasDeferredLayers: Bool { layers.contains { $0.deferredCompression != nil } }
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
    /// their diff ID. From a store that can't be written, layers that were never exported are exported plain.
    public func exported(_ set: ImageSet) throws -> ImageSet {
        set.source is Store || set.source is Layout ? try converted(set) : set
    }

    /// Returns an image in the form in which it is exported.
    public func exported(_ image: Image) throws -> Image {
        guard image.manifest.hasDeferredLayers else { return image }
        let set = try converted(ImageSet(image))
        return try Image(manifest: set.descriptor, in: set.source)
    }

    private func converted(_ set: ImageSet) throws -> ImageSet {
        var export = ExportConversion(store: self, source: set.source)
        do {
            let descriptor = try export.exported(set.descriptor)
            return descriptor == set.descriptor ? set : ImageSet(descriptor, in: export.blobs)
        } catch let error as SystemError where error.refusesWriting {
            return set
        }
    }
}

/// The conversion of a set's documents to those of its export.
private struct ExportConversion {
    let store: Store
    let source: any BlobSource
    /// The converted documents by their digest.
    private var documents: [Digest: [UInt8]] = [:]
    /// The exported forms of documents that were read, by their digest; an index may name one of them many times.
    private var known: [Digest: Descriptor] = [:]

    init(store: Store, source: any BlobSource) { (self.store, self.source) = (store, source) }

    /// The blobs of the export.
    var blobs: any BlobSource { ExportedBlobs(documents: documents, store: store, other: source) }

    /// Returns the exported form of an index or a manifest.
    mutating func exported(_ descriptor: Descriptor, depth: Int = 0) throws -> Descriptor {
        guard descriptor.mediaType.isIndex || descriptor.mediaType.isManifest, depth < 8 else { return descriptor }
        if let found = known[descriptor.digest] { return try descriptor.renamed(found) }
        let made = try convert(descriptor, depth: depth)
        known[descriptor.digest] = made
        return made
    }

    private mutating func convert(_ descriptor: Descriptor, depth: Int) throws -> Descriptor {
        let bytes: [UInt8]
        do {
            bytes = try source.read(descriptor)
        } catch OCIError.blobMissing where depth > 0 {
            // An index of which only some platforms were saved.
            return descriptor
        }
        if descriptor.mediaType.isManifest { return try exported(descriptor, manifest: bytes, depth: depth) }
        var index = try Index(parsing: bytes, what: "\(descriptor.digest)")
        var entries: [Descriptor] = []
        for entry in index.manifests { entries.append(try exported(entry, depth: depth + 1)) }
        if entries == index.manifests { return descriptor }
        index.manifests = entries
        return try replacing(descriptor, with: index.bytes)
    }

    private mutating func exported(
        _ descriptor: Descriptor, manifest bytes: [UInt8], depth: Int
    ) throws -> Descriptor {
        let manifest = try Manifest(parsing: bytes, digest: descriptor.digest)
        guard manifest.hasDeferredLayers else { return descriptor }
        let layers = try manifest.layers.map { layer in
            guard let compression = layer.deferredCompression else { return layer }
            // Of a plain layer the blob is the tar.
            let plain = Layer(descriptor: layer, diffID: layer.digest)
            let image = Image.scratch(.host, in: source)
            return try image.recompressed(plain, compression, level: nil, into: store).descriptor
        }
        var json = manifest.json
        json["layers"] = .array(layers.map(\.json))
        if let base = try exportedBase(of: manifest, depth: depth) {
            json["annotations", default: .object([:])][BaseAnnotation.digest] = .string("\(base)")
        }
        return try replacing(descriptor, with: json.bytes)
    }

    /// Returns the digest that a base of the same source has in an export; nil if the manifest names none.
    private mutating func exportedBase(of manifest: Manifest, depth: Int) throws -> Digest? {
        guard let text = manifest.annotations[BaseAnnotation.digest], let digest = try? Digest(text),
            let size = try store.size(of: digest)
        else { return nil }
        return try exported(Descriptor(mediaType: .manifest, digest: digest, size: size), depth: depth + 1).digest
    }

    /// Keeps a document in place of another one; what else the descriptor says stays.
    private mutating func replacing(_ old: Descriptor, with bytes: [UInt8]) throws -> Descriptor {
        let digest = Digest(of: bytes)
        documents[digest] = bytes
        return try old.renamed(Descriptor(mediaType: old.mediaType, digest: digest, size: Int64(bytes.count)))
    }
}

extension Descriptor {
    /// Returns this descriptor with digest and size of another document; what else it says stays.
    fileprivate func renamed(_ other: Descriptor) throws -> Descriptor {
        guard other.digest != digest else { return self }
        var json = json
        json["digest"] = .string("\(other.digest)")
        json["size"] = .integer(other.size)
        return try Descriptor(json, what: "\(other.digest)")
    }
}

/// The converted documents of an export, the blobs of a store, and those of another source that it doesn't have.
private struct ExportedBlobs: BlobSource {
    let documents: [Digest: [UInt8]]
    let store: Store
    let other: any BlobSource

    func open(_ blob: Descriptor) throws -> any ByteSource {
        if let document = documents[blob.digest] { return MemorySource(document) }
        return try store.has(blob) ? store.open(blob) : other.open(blob)
    }

    func openPlain(_ diffID: Digest) throws -> (any ByteSource)? { try store.openPlain(diffID) }
}

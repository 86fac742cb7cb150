internal import Linux

/// An image, or an index over the images of several platforms: its descriptor, and the place that has all of its blobs.
///
/// Whatever the documents say is passed on byte for byte: attestations, unknown members, media types.
public struct ImageSet: Sendable {
    /// The manifest's or the index's, with the annotations that are to stand beside it.
    public var descriptor: Descriptor
    /// Where the blobs are.
    public let source: any BlobSource

    private static let maximumDepth = 8
    private static let maximumBlobs = 100_000

    /// A set of known parts.
    public init(_ descriptor: Descriptor, in source: any BlobSource) {
        self.descriptor = descriptor
        self.source = source
    }

    /// One image, whose documents need not be stored anywhere.
    public init(_ image: Image) {
        descriptor = image.descriptor
        descriptor.platform = image.config.platform
        source = WholeImage(image: image)
    }

    /// An image's documents from memory, its layers from where they are.
    private struct WholeImage: BlobSource {
        let image: Image

        func open(_ blob: Descriptor) throws -> any ByteSource {
            if blob.digest == image.descriptor.digest { return MemorySource(image.manifestBytes) }
            if blob.digest == image.manifest.config.digest { return MemorySource(image.configBytes) }
            return try image.source.open(blob)
        }
    }

    /// The manifests that it leads to, each once, in the order of the documents, attestations included.
    public func manifests() throws -> [Descriptor] {
        var manifests: [Descriptor] = []
        try walk { descriptor in if descriptor.mediaType.isManifest { manifests.append(descriptor) } }
        return manifests
    }

    /// The images for a platform; attestations, which are for none, are left out.
    public func images() throws -> [Image] {
        try manifests().filter { $0.platform?.os != "unknown" }.map { try Image(manifest: $0, in: source) }
    }

    /// The image for a platform.
    public func image(for platform: Platform, name: String) throws -> Image {
        try Image(manifest: resolve(descriptor, for: platform, name: name, in: source), in: source)
    }

    /// The image for this machine's platform where there is one, else the first.
    public func preferredImage() throws -> Image {
        let manifests = try manifests().filter { $0.platform?.os != "unknown" }
        guard let first = manifests.first else { throw OCIError.invalidImage("its index names no image") }
        let chosen = manifests.first { $0.platform.map(Platform.host.accepts) ?? false }
        return try Image(manifest: chosen ?? first, in: source)
    }

    /// Every blob, each once, whatever a document names before the document.
    public func blobs() throws -> [Descriptor] {
        var blobs: [Descriptor] = []
        var seen: Set<Digest> = []
        func add(_ blob: Descriptor) throws {
            if seen.insert(blob.digest).inserted { blobs.append(blob) }
            guard blobs.count <= Self.maximumBlobs else {
                throw OCIError.invalidImage("it has more than \(Self.maximumBlobs) blobs")
            }
        }
        var documents: [Descriptor] = []
        try walk { descriptor in
            documents.append(descriptor)
            guard descriptor.mediaType.isManifest else { return }
            let manifest = try Manifest(parsing: source.read(descriptor), digest: descriptor.digest)
            for blob in manifest.layers + [manifest.config] { try add(blob) }
        }
        for document in documents.reversed() { try add(document) }
        return blobs
    }

    /// This set, or where some of its manifests are not there only the image for `platform`, as a save of one platform
    /// of an index leaves it.
    public func complete(or platform: Platform, name: String) throws -> ImageSet {
        do {
            _ = try blobs()
            return self
        } catch OCIError.blobMissing where descriptor.mediaType.isIndex {
            return ImageSet(try resolve(descriptor, for: platform, name: name, in: source), in: source)
        }
    }

    /// Every document from the top, each once however many indexes name it: an index before what it names.
    private func walk(_ body: (Descriptor) throws -> Void) throws {
        var stack = [(descriptor: descriptor, depth: 0)]
        var visited: Set<Digest> = []
        while let (descriptor, depth) = stack.popLast() {
            guard visited.insert(descriptor.digest).inserted else { continue }
            guard depth <= Self.maximumDepth, visited.count <= Self.maximumBlobs else {
                throw OCIError.invalidImage("its indexes are too many or nested too deeply")
            }
            try body(descriptor)
            if descriptor.mediaType.isManifest { continue }
            guard descriptor.mediaType.isIndex else {
                throw OCIError.unsupportedMediaType(descriptor.mediaType.description, of: descriptor.digest)
            }
            let index = try Index(parsing: source.read(descriptor), what: "index \(descriptor.digest)")
            stack += index.manifests.reversed().map { ($0, depth + 1) }
        }
    }
}

extension Store {
    /// Takes in everything of a set, whose blobs are elsewhere or already here, and gives it a name.
    ///
    /// When this returns, all of it is in the store and survives a crash.
    @discardableResult
    public func publish(_ set: ImageSet, as reference: Reference?) throws -> ImageSet {
        let lease = try lease()
        try take(set)
        if let reference { try name([(set.descriptor, reference)]) }
        try lease.release()
        return ImageSet(set.descriptor, in: self)
    }

    /// Takes in every blob of a set, for a caller that holds a lease.
    @discardableResult
    func take(_ set: ImageSet) throws -> Descriptor {
        for blob in try set.blobs() where try !has(blob) { try put(set.source.open(blob), expecting: blob) }
        return set.descriptor
    }

    /// Makes one set of what a build gave for its platforms: the image itself where there is one, else an index over
    /// them in that order. The annotations go where they belong.
    public func assemble(_ images: [Image], _ annotations: Annotations = Annotations()) throws -> ImageSet {
        var entries: [Descriptor] = []
        for image in images {
            let image = image.annotated(annotations.values(.manifest, for: image.config.platform))
            var entry = try publish(image, as: nil)
            entry.platform = image.config.platform
            entry.annotate(annotations.values(.manifestDescriptor, for: image.config.platform))
            entries.append(entry)
        }
        if entries.count == 1 { return ImageSet(entries[0], in: self) }
        let index = Index(manifests: entries, annotations: annotations.values(.index))
        var descriptor = try put(index.bytes, as: .index)
        descriptor.annotate(annotations.values(.indexDescriptor))
        return ImageSet(descriptor, in: self)
    }
}

extension Descriptor {
    /// Adds annotations, over those of the same name.
    mutating func annotate(_ values: [String: String]) {
        for (key, value) in values { self[annotation: key] = value }
    }
}

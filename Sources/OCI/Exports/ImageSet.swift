internal import Linux

/// An image, or an index over the images of several platforms: its descriptor, and the source of its blobs.
///
/// The documents are passed on byte for byte: attestations, unknown members, media types.
public struct ImageSet: Sendable {
    /// The manifest's or the index's descriptor, with the descriptor's annotations.
    public var descriptor: Descriptor
    /// The source of the blobs.
    public let source: any BlobSource

    private static let maximumDepth = 8
    private static let maximumBlobs = 100_000

    public init(_ descriptor: Descriptor, in source: any BlobSource) {
        self.descriptor = descriptor
        self.source = source
    }

    /// Makes a set of one image, whose documents need not be stored anywhere.
    public init(_ image: Image) {
        descriptor = image.descriptor
        descriptor.platform = image.config.platform
        source = ImageDocuments(image: image)
    }

    /// A source with an image's documents from memory, and its layers from the image's source.
    private struct ImageDocuments: BlobSource {
        let image: Image

        func open(_ blob: Descriptor) throws -> any ByteSource {
            if blob.digest == image.descriptor.digest { return MemorySource(image.manifestBytes) }
            if blob.digest == image.manifest.config.digest { return MemorySource(image.configBytes) }
            return try image.source.open(blob)
        }
    }

    /// Returns all manifests, each once, in the order of the documents, including attestations.
    public func manifests() throws -> [Descriptor] {
        var manifests: [Descriptor] = []
        try walk { descriptor in if descriptor.mediaType.isManifest { manifests.append(descriptor) } }
        return manifests
    }

    /// Returns the images that have a platform; attestations have none.
    public func images() throws -> [Image] {
        try manifests().filter { !$0.isAttestation }.map { try Image(manifest: $0, in: source) }
    }

    /// Returns the image for a platform.
    public func image(for platform: Platform, name: String) throws -> Image {
        try Image(manifest: resolve(descriptor, for: platform, name: name, in: source), in: source)
    }

    /// Returns the image for this machine's platform, or else the first.
    public func preferredImage() throws -> Image {
        let manifests = try manifests().filter { !$0.isAttestation }
        guard let first = manifests.first else { throw OCIError.invalidImage("its index lists no image") }
        let chosen = manifests.first { $0.platform.map(Platform.host.accepts) ?? false }
        return try Image(manifest: chosen ?? first, in: source)
    }

    /// Returns every blob once, each before the documents that refer to it.
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

    /// Returns this set, or only the image for `platform` if some of its manifests are missing.
    ///
    /// A save of one platform of an index leaves such a set.
    public func complete(or platform: Platform, name: String) throws -> ImageSet {
        do {
            _ = try blobs()
            return self
        } catch OCIError.blobMissing where descriptor.mediaType.isIndex {
            return ImageSet(try resolve(descriptor, for: platform, name: name, in: source), in: source)
        }
    }

    /// Visits every document from the top, each once however many indexes have it, an index before its entries.
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
    /// Stores all blobs of a set and sets its name.
    ///
    /// The blobs are elsewhere or already here. After the return all of them are in the store and survive a crash.
    @discardableResult
    public func publish(_ set: ImageSet, as reference: Reference?) throws -> ImageSet {
        let lease = try lease()
        try take(set)
        if let reference { try name([(set.descriptor, reference)]) }
        try lease.release()
        return ImageSet(set.descriptor, in: self)
    }

    /// Stores every blob of a set, for a caller that holds a lease.
    @discardableResult
    func take(_ set: ImageSet) throws -> Descriptor {
        for blob in try set.blobs() where try !has(blob) { try put(set.source.open(blob), expecting: blob) }
        return set.descriptor
    }

    /// Makes one set of a build's images: the image itself if there is only one, or else an index in their order.
    ///
    /// The annotations are added at their places. An image with attestations is in an index, which lists them last.
    ///
    /// - Parameter attestations: Returns the attestations of the image with an index in `images` and this manifest.
    public func assemble(
        _ images: [Image], _ annotations: Annotations = Annotations(), form: AttestationForm = .artifact,
        attestations: (_ index: Int, _ manifest: Digest) throws -> [Attestation] = { _, _ in [] }
    ) throws -> ImageSet {
        var entries: [Descriptor] = []
        for image in images {
            let image = image.annotated(annotations.values(.manifest, for: image.config.platform))
            var entry = try publish(image, as: nil)
            entry.platform = image.config.platform
            entry.annotate(annotations.values(.manifestDescriptor, for: image.config.platform))
            entries.append(entry)
        }
        for (index, entry) in entries.enumerated() {
            let statements = try attestations(index, entry.digest)
            if !statements.isEmpty { entries.append(try put(statements, about: entry, form)) }
        }
        if entries.count == 1 { return ImageSet(entries[0], in: self) }
        let index = Index(manifests: entries, annotations: annotations.values(.index))
        var descriptor = try put(index.bytes, as: .index)
        descriptor.annotate(annotations.values(.indexDescriptor))
        return ImageSet(descriptor, in: self)
    }
}

extension Descriptor {
    /// Adds annotations, replacing those of the same name.
    mutating func annotate(_ values: [String: String]) {
        for (key, value) in values { self[annotation: key] = value }
    }
}

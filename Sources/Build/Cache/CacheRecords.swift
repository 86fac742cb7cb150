internal import Linux
public import OCI

/// The cache records of build steps for export and import: each key with its layer.
///
/// ```
/// manifest { config: application/vnd.buildkit.cacheconfig.v0, layers: [...] }
/// config   { layers: [{ blob, parent, annotations: { mediaType, diffID, size } }],
///            records: [{ digest: KEY, results: [{ layer: INDEX, createdAt: EPOCH }] }] }
/// ```
/// The format is BuildKit's (image-manifest), so that registries which accept its caches accept these; the keys are
/// thaw's own.
public struct CacheRecords: Sendable {
    /// The media type of the document with the keys.
    public static let configType: MediaType = "application/vnd.buildkit.cacheconfig.v0"
    /// The member of an image's configuration with the keys of its own layers.
    private static let inlineKey = "moby.buildkit.cache.v0"

    private(set) var steps: [Digest: CachedStep] = [:]

    init(_ steps: [Digest: CachedStep]) { self.steps = steps }

    /// Reads a cache, or the inline cache of an image; nil if the manifest is neither.
    public init?(_ set: ImageSet, for platform: Platform) throws {
        var descriptor = set.descriptor
        if descriptor.mediaType.isIndex {
            let index = try Index(parsing: set.source.read(descriptor), what: "index \(descriptor.digest)")
            guard let found = index.manifest(for: platform) else { return nil }
            descriptor = found
        }
        let manifest = try Manifest(parsing: set.source.read(descriptor), digest: descriptor.digest)
        let bytes = try set.source.read(manifest.config, limit: 64 << 20)
        let json = try JSON(parsing: bytes, what: "cache \(manifest.config.digest)")
        if manifest.config.mediaType == Self.configType {
            try read(json, layers: Self.layers(json, manifest))
        } else {
            guard let inline = json[Self.inlineKey]?.base64 else { return nil }
            let diffIDs = try (json["rootfs"]?["diff_ids"]?.strings ?? []).map { try Digest($0) }
            let layers = zip(manifest.layers, diffIDs).map { Layer(descriptor: $0, diffID: $1) }
            try read(try JSON(parsing: inline, what: "the inline cache"), layers: layers)
        }
    }

    private static func layers(_ json: JSON, _ manifest: Manifest) throws -> [Layer] {
        let blobs = Dictionary(manifest.layers.map { ($0.digest, $0) }) { first, _ in first }
        return try (json["layers"]?.array ?? []).map { entry in
            guard let digest = try entry["blob"]?.string.map({ try Digest($0) }), let blob = blobs[digest],
                let diffID = entry["annotations"]?["diffID"]?.string
            else { throw OCIError.malformedDocument("cache", reason: "a layer has no blob or diffID") }
            return Layer(descriptor: blob, diffID: try Digest(diffID))
        }
    }

    private mutating func read(_ json: JSON, layers: [Layer]) throws {
        for record in json["records"]?.array ?? [] {
            guard let key = try record["digest"]?.string.map({ try Digest($0) }),
                let result = record["results"]?.array?.first, let index = result["layer"]?.integer,
                let epoch = result["createdAt"]?.string.flatMap(RFC3339.seconds), layers.indices.contains(Int(index))
            else { continue }
            steps[key] = CachedStep(layer: layers[Int(index)], epoch: epoch)
        }
    }

    /// Returns the cache as an artifact to write or push, with its documents in `store`.
    public func artifact(in store: Store) throws -> ImageSet {
        let layers = Set(steps.values.map(\.layer)).sorted { $0.diffID < $1.diffID }
        let config = try store.put(document(layers).bytes, as: Self.configType)
        let manifest = Manifest(config: config, layers: layers.map(\.descriptor))
        return ImageSet(try store.put(manifest.bytes, as: .manifest), in: store)
    }

    /// Returns an image with an inline cache of its own layers.
    public func inlined(in image: Image) -> Image {
        let layers = Set(image.layers)
        let own = steps.filter { layers.contains($0.value.layer) }
        let document = CacheRecords(own).document(image.layers)
        return image.configured { $0[Self.inlineKey] = .base64(document.bytes) }
    }

    private func document(_ layers: [Layer]) -> JSON {
        let indices = Dictionary(layers.enumerated().map { ($1, $0) }) { first, _ in first }
        let records = steps.sorted { $0.key < $1.key }.compactMap { key, step in
            indices[step.layer].map { index in
                JSON.object([
                    "digest": .string("\(key)"),
                    "results": .array([
                        .object(["layer": .integer(Int64(index)), "createdAt": .string(RFC3339.text(step.epoch))])
                    ]),
                ])
            }
        }
        return .object(["layers": .array(layers.map(Self.entry)), "records": .array(records)])
    }

    private static func entry(_ layer: Layer) -> JSON {
        .object([
            "blob": .string("\(layer.descriptor.digest)"), "parent": .integer(-1),
            "annotations": .object([
                "mediaType": .string("\(layer.descriptor.mediaType)"), "diffID": .string("\(layer.diffID)"),
                "size": .integer(layer.descriptor.size),
            ]),
        ])
    }
}

/// A cache from elsewhere, used for keys that the store doesn't have.
public struct CacheImport: Sendable {
    private let records: CacheRecords
    private let source: any BlobSource

    /// The records of a cache, and the source of their layers.
    public init(_ records: CacheRecords, from source: any BlobSource) {
        (self.records, self.source) = (records, source)
    }

    /// Returns the result for a key after copying its layer into the store; nil if the key is unknown here.
    func step(_ key: Digest, into store: Store) throws -> CachedStep? {
        guard let step = records.steps[key] else { return nil }
        let blob = step.layer.descriptor
        if try !store.has(blob) { try store.put(source.open(blob), expecting: blob) }
        // The record's claims about the blob are trusted only after the blob was read.
        _ = try store.entries(of: step.layer, in: Image(of: [step.layer], in: store))
        try store.cache(step, for: key)
        return step
    }
}

internal import Linux
internal import SystemPackage

/// The facts of an image or index that a list of a store's contents needs, so that its documents aren't read each time.
///
/// A cache by the digest of the manifest or index, which never changes:
/// ```
/// thaw/facts   DIGEST SIZE DOCUMENTS LAYERS PLATFORMS DIFFIDS CONFIGS DEFERRED\n; lists with commas
///              DIFFIDS: the lists of all images, with semicolons; DEFERRED: 1 or 0
/// ```
struct SetFacts: Sendable, Hashable {
    /// The manifests, indexes and configurations.
    var documents: Set<Digest> = []
    /// The layers of all images and attestations.
    var layers: Set<Digest> = []
    /// The bytes of the layers of all images, each counted once.
    var size: Int64 = 0
    /// The platforms of the images, in the order of the index.
    var platforms: [String] = []
    /// The diff IDs of each image, lowest first.
    var diffIDs: [[Digest]] = []
    /// The configuration of each image that has a platform, in the order of the index.
    var configs: [Digest] = []
    /// True if an export compresses layers, so that the documents of the export have other digests.
    var isDeferred = false

    /// Reads the facts from the documents; `isComplete` is false if the store lacks some.
    static func read(_ top: Descriptor, in store: Store) throws -> (facts: SetFacts, isComplete: Bool) {
        var facts = SetFacts()
        var isComplete = true
        var sizes: [Digest: Int64] = [:]
        var stack = [top]
        while let descriptor = stack.popLast() {
            guard facts.documents.insert(descriptor.digest).inserted else { continue }
            guard try store.has(descriptor) else {
                isComplete = false
                continue
            }
            if descriptor.mediaType.isIndex {
                let index = try Index(parsing: store.read(descriptor), what: "index \(descriptor.digest)")
                stack += index.manifests.reversed()
            } else if descriptor.mediaType.isManifest {
                let manifest = try Manifest(parsing: store.read(descriptor), digest: descriptor.digest)
                facts.documents.insert(manifest.config.digest)
                facts.layers.formUnion(manifest.layers.map(\.digest))
                if manifest.hasDeferredLayers { facts.isDeferred = true }
                if descriptor.platform?.os != "unknown" {
                    for layer in manifest.layers { sizes[layer.digest] = layer.size }
                }
                if try store.has(manifest.config) {
                    try facts.add(manifest.config, descriptor.platform, in: store)
                } else {
                    isComplete = false
                }
            }
        }
        facts.size = sizes.values.reduce(0, +)
        return (facts, isComplete)
    }

    private mutating func add(_ descriptor: Descriptor, _ platform: Platform?, in store: Store) throws {
        // An attestation or a chart, which belongs to an image but is none, has another type of configuration.
        guard descriptor.mediaType == .config || descriptor.mediaType == .dockerConfig else { return }
        let config = try ImageConfig(parsing: store.read(descriptor), digest: descriptor.digest)
        if platform?.os != "unknown" {
            platforms.append(config.platform.description)
            configs.append(descriptor.digest)
        }
        diffIDs.append(config.diffIDs)
    }
}

extension SetFacts {
    private static let path: FilePath = "thaw/facts"

    /// Returns the facts of the manifests and indexes in a store's index, and remembers those that are new.
    static func all(of entries: [Descriptor], in store: Store) throws -> [Digest: SetFacts] {
        let known = remembered(in: store)
        var facts: [Digest: SetFacts] = [:]
        var kept: [Digest: SetFacts] = [:]
        var isNew = false
        for entry in entries where facts[entry.digest] == nil {
            if let found = known[entry.digest] {
                facts[entry.digest] = found
                kept[entry.digest] = found
                continue
            }
            let (read, isComplete) = try read(entry, in: store)
            facts[entry.digest] = read
            guard isComplete, read.line(entry.digest) != nil else { continue }
            kept[entry.digest] = read
            isNew = true
        }
        if isNew || kept.count * 2 < known.count { remember(kept, in: store) }
        return facts
    }

    /// A cache: a store that can only be read works without it.
    private static func remember(_ facts: [Digest: SetFacts], in store: Store) {
        var bytes: [UInt8] = []
        for (digest, facts) in facts.sorted(by: { $0.key < $1.key }) {
            if let line = facts.line(digest) { bytes += line.utf8 }
        }
        try? store.root.replace(path, with: bytes, isSynced: false)
    }

    private static func remembered(in store: Store) -> [Digest: SetFacts] {
        guard let bytes = try? store.root.contents(of: path, limit: 256 << 20) else { return [:] }
        var result: [Digest: SetFacts] = [:]
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            if let (digest, facts) = parsed(line) { result[digest] = facts }
        }
        return result
    }

    /// Returns the line of the file; nil for facts that it can't hold.
    private func line(_ top: Digest) -> String? {
        let safe = platforms.allSatisfy { $0.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: ",") } && !$0.isEmpty }
        guard safe else { return nil }
        let fields = [
            top.hex, "\(size)", documents.sorted().map(\.hex).joined(separator: ","),
            layers.sorted().map(\.hex).joined(separator: ","),
            platforms.joined(separator: ","),
            diffIDs.map { $0.map(\.hex).joined(separator: ",") }.joined(separator: ";"),
            configs.map(\.hex).joined(separator: ","), isDeferred ? "1" : "0",
        ]
        return fields.joined(separator: " ") + "\n"
    }

    private static func parsed(_ line: ArraySlice<UInt8>) -> (Digest, SetFacts)? {
        let fields = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard fields.count == 8, let top = Digest(hexBytes: fields[0]),
            let size = Int64(String(decoding: fields[1], as: UTF8.self))
        else { return nil }
        func list(_ field: ArraySlice<UInt8>, _ separator: Unicode.Scalar = ",") -> [ArraySlice<UInt8>] {
            field.split(separator: UInt8(ascii: separator))
        }
        var facts = SetFacts()
        facts.size = size
        facts.documents = Set(list(fields[2]).compactMap { Digest(hexBytes: $0) })
        facts.layers = Set(list(fields[3]).compactMap { Digest(hexBytes: $0) })
        facts.platforms = list(fields[4]).map { String(decoding: $0, as: UTF8.self) }
        for image in list(fields[5], ";") { facts.diffIDs.append(list(image).compactMap { Digest(hexBytes: $0) }) }
        facts.configs = list(fields[6]).compactMap { Digest(hexBytes: $0) }
        facts.isDeferred = fields[7].elementsEqual("1".utf8)
        return (top, facts)
    }
}

extension Store {
    /// One name of a store with what a list of images shows.
    public struct Summary: Sendable {
        /// The full name.
        public let name: String
        /// The digest of the manifest or index.
        public let digest: Digest
        /// The image ID: see ``ImageSet/id()``.
        public let id: Digest
        /// True if an export compresses layers, so that the image has another digest in a registry.
        public let isDeferred: Bool
        /// The bytes of all layers as they are stored, each counted once.
        public let size: Int64
        /// The platforms.
        public let platforms: [String]
    }

    /// Returns the summaries of all names, sorted by name.
    ///
    /// - Throws: ``OCIError/blobMissing(_:)`` if the store lacks a document of an image.
    public func summaries() throws -> [Summary] {
        let images = try images()
        let facts = try SetFacts.all(of: images.map(\.descriptor), in: self)
        return try images.map { name, descriptor in
            guard let found = facts[descriptor.digest], !found.platforms.isEmpty else {
                // The error that tells which document is missing.
                let set = ImageSet(descriptor, in: self)
                let images = try set.images()
                return try Summary(
                    name: name, digest: descriptor.digest, id: set.id(),
                    isDeferred: images.contains { $0.manifest.hasDeferredLayers },
                    size: images.reduce(0) { $0 + $1.compressedSize },
                    platforms: images.map(\.config.platform.description))
            }
            return Summary(
                name: name, digest: descriptor.digest,
                id: found.id(of: descriptor.digest), isDeferred: found.isDeferred, size: found.size,
                platforms: found.platforms)
        }
    }
}

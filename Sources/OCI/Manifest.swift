public import Linux

/// One image's manifest: its configuration and its layers, lowest first (OCI image spec, image manifest).
public struct Manifest: Hashable, Sendable {
    /// The document as it was read, including unknown members.
    public let json: JSON
    /// The configuration's blob.
    public let config: Descriptor
    /// The layers' blobs, lowest first.
    public let layers: [Descriptor]

    /// Makes the manifest of a new image.
    public init(
        config: Descriptor, layers: [Descriptor], annotations: [String: String] = [:],
        types: MediaType.Family = .oci
    ) {
        let type = types == .oci ? MediaType.manifest : .dockerManifest
        var json = JSON.object([
            "schemaVersion": .integer(2), "mediaType": .string(type.description),
            "config": config.json, "layers": .array(layers.map(\.json)),
        ])
        if !annotations.isEmpty { json["annotations"] = .strings(annotations) }
        self.json = json
        self.config = config
        self.layers = layers
    }

    /// Parses a manifest, OCI's or Docker's.
    public init(parsing bytes: [UInt8], digest: Digest) throws(OCIError) {
        let what = "manifest \(digest)"
        json = try JSON(parsing: bytes, what: what)
        guard json["schemaVersion"]?.integer == 2, let config = json["config"], let layers = json["layers"]?.array
        else {
            throw .malformedDocument(what, reason: "it lacks schemaVersion 2, config or layers")
        }
        self.config = try Descriptor(config, what: what)
        var list: [Descriptor] = []
        for layer in layers { list.append(try Descriptor(layer, what: what)) }
        self.layers = list
    }

    /// The canonical bytes.
    public var bytes: [UInt8] { json.bytes }

    public var annotations: [String: String] { json["annotations"]?.object?.compactMapValues(\.string) ?? [:] }
}

/// A list of manifests (OCI image spec, image index); also the `index.json` of a layout.
public struct Index: Hashable, Sendable {
    /// The document as it was read, including unknown members.
    public private(set) var json: JSON
    /// The manifests, in the order of the document.
    public var manifests: [Descriptor] {
        didSet { json["manifests"] = .array(manifests.map(\.json)) }
    }

    /// Returns the manifest that suits `platform` best, the first of equals.
    ///
    /// If none suits, returns the first one without a platform. Attestations are no images.
    public func manifest(for platform: Platform) -> Descriptor? {
        let manifests = manifests.filter { !$0.isAttestation }
        let suitable = manifests.compactMap { entry in
            entry.platform.flatMap(platform.rank).map { (entry: entry, rank: $0) }
        }
        return suitable.min { $0.rank < $1.rank }?.entry ?? manifests.first { $0.platform == nil }
    }

    /// Makes an index of manifests.
    public init(manifests: [Descriptor] = [], annotations: [String: String] = [:]) {
        self.manifests = manifests
        json = .object([
            "schemaVersion": .integer(2), "mediaType": .string(MediaType.index.description),
            "manifests": .array(manifests.map(\.json)),
        ])
        if !annotations.isEmpty { json["annotations"] = .strings(annotations) }
    }

    /// Parses an index; errors contain `what`.
    public init(parsing bytes: [UInt8], what: String) throws(OCIError) {
        json = try JSON(parsing: bytes, what: what)
        let list = json["manifests"]
        // Docker 25 writes null for an empty list.
        guard let entries = list == .null ? [] : list?.array else {
            throw .malformedDocument(what, reason: "it has no list of manifests")
        }
        var descriptors: [Descriptor] = []
        for entry in entries { descriptors.append(try Descriptor(entry, what: what)) }
        manifests = descriptors
    }

    /// The canonical bytes.
    public var bytes: [UInt8] { json.bytes }
}

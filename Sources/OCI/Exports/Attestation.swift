public import Linux

/// A statement about an image: its predicate's type and its bytes (in-toto attestation framework, Statement v1).
public struct Attestation: Sendable, Hashable {
    /// The type of the predicate: SLSA provenance, an SPDX document, or another.
    public let predicateType: String
    /// The statement's document.
    public let bytes: [UInt8]

    /// SLSA provenance, version 1.
    public static let provenance = "https://slsa.dev/provenance/v1"
    /// SLSA provenance, version 0.2.
    public static let oldProvenance = "https://slsa.dev/provenance/v0.2"
    /// An SPDX document, which lists the image's packages.
    public static let billOfMaterials = "https://spdx.dev/Document"

    /// Makes the statement that `predicate` holds for the manifest `subject`.
    ///
    /// - Parameter names: The image's names as package URLs; without any, the subject has the name `_`, as in BuildKit.
    public init(_ predicateType: String, _ predicate: JSON, of subject: Digest, names: [String]) {
        self.init(predicateType, predicate, of: (names.isEmpty ? ["_"] : names).map { ($0, subject) })
    }

    /// Makes the statement that `predicate` holds for things with these names and digests.
    public init(_ predicateType: String, _ predicate: JSON, of subjects: [(name: String, digest: Digest)]) {
        self.predicateType = predicateType
        let subjects = subjects.map { subject in
            JSON.object(["name": .string(subject.name), "digest": .strings(["sha256": subject.digest.hex])])
        }
        let statement = JSON.object([
            "_type": .string("https://in-toto.io/Statement/v1"), "predicateType": .string(predicateType),
            "subject": .array(subjects), "predicate": predicate,
        ])
        bytes = statement.bytes
    }
}

/// The form of the manifest that lists an image's attestations.
public enum AttestationForm: Sendable {
    /// An artifact whose subject is the image, so that registries list it among the referrers; BuildKit's default.
    case artifact
    /// An image for the platform `unknown/unknown`, for registries that refuse artifacts.
    case image
}

/// The attestations of one image, as its index lists them.
public struct AttestationManifest: Sendable {
    /// The manifest's entry in the index.
    public let descriptor: Descriptor
    /// The statements.
    public let statements: [Descriptor]
}

extension Descriptor {
    private static let typeKey = "vnd.docker.reference.type"
    private static let subjectKey = "vnd.docker.reference.digest"
    private static let predicateKey = "in-toto.io/predicate-type"

    /// True for an index's entry that is no image: its platform is unknown, or it says that it describes another entry.
    public var isAttestation: Bool { platform?.os == "unknown" || self[annotation: Self.typeKey] != nil }

    /// The digest of the manifest that an attestation manifest describes.
    var attestedDigest: String? { self[annotation: Self.subjectKey] }

    /// The predicate's type of an attestation.
    public var predicateType: String? { self[annotation: Self.predicateKey] }

    fileprivate mutating func describe(_ image: Descriptor) {
        platform = Platform(os: "unknown", architecture: "unknown")
        self[annotation: Self.typeKey] = "attestation-manifest"
        self[annotation: Self.subjectKey] = image.digest.description
    }

    fileprivate init(_ attestation: Attestation) {
        self.init(
            mediaType: .inToto, digest: Digest(of: attestation.bytes), size: Int64(attestation.bytes.count))
        self[annotation: Self.predicateKey] = attestation.predicateType
    }
}

extension ImageSet {
    /// Returns the attestations of the image with this manifest; an image outside of an index has none.
    public func attestations(of image: Digest) throws -> [AttestationManifest] {
        let entries = try manifests().filter { $0.isAttestation && $0.attestedDigest == image.description }
        return try entries.compactMap { entry in
            do {
                let manifest = try Manifest(parsing: source.read(entry), digest: entry.digest)
                return AttestationManifest(
                    descriptor: entry, statements: manifest.layers.filter { $0.mediaType == .inToto })
            } catch OCIError.blobMissing {
                // A save of one platform of an index leaves out the rest.
                return nil
            }
        }
    }

    /// Returns the bytes of an image's first statement with one of these predicate types; nil if there is none.
    public func statement(_ predicateTypes: [String], about image: Digest) throws -> [UInt8]? {
        let found = try attestations(of: image).lazy.flatMap(\.statements).first { statement in
            statement.predicateType.map(predicateTypes.contains) ?? false
        }
        return try found.map { try source.read($0, limit: Attestation.sizeLimit) }
    }
}

extension Attestation {
    /// The most bytes of a statement that are read.
    static let sizeLimit: Int64 = 256 << 20
}

extension Store {
    /// Stores attestations and the manifest that lists them; returns its entry for the index.
    func put(_ attestations: [Attestation], about image: Descriptor, _ form: AttestationForm) throws -> Descriptor {
        let layers = attestations.map { Descriptor($0) }
        for attestation in attestations { _ = try put(attestation.bytes, as: .inToto) }
        let config = form == .artifact ? JSON.object([:]) : Self.attestationConfig(layers)
        let manifest = Manifest(
            config: try put(config.bytes, as: form == .artifact ? .emptyJSON : .config), layers: layers)
        var json = manifest.json
        if form == .artifact {
            json["artifactType"] = .string("application/vnd.docker.attestation.manifest.v1+json")
            json["subject"] = Descriptor(mediaType: image.mediaType, digest: image.digest, size: image.size).json
        }
        var entry = try put(json.bytes, as: .manifest)
        entry.describe(image)
        return entry
    }

    /// Returns the configuration of an image that no platform runs.
    private static func attestationConfig(_ layers: [Descriptor]) -> JSON {
        var config = ImageConfig(platform: Platform(os: "unknown", architecture: "unknown"))
        config.diffIDs = layers.map(\.digest)
        return config.json
    }
}

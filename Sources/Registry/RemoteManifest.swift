internal import Linux
public import OCI

/// A document of a registry, byte for byte: an image's manifest, an index, or whatever else is kept there.
public struct RemoteManifest: Sendable {
    /// What it is known by.
    public let descriptor: Descriptor
    /// Its bytes; what its digest is of.
    public let bytes: [UInt8]

    /// A document whose digest is computed.
    public init(_ bytes: [UInt8], mediaType: MediaType) {
        self.bytes = bytes
        descriptor = Descriptor(mediaType: mediaType, digest: Digest(of: bytes), size: Int64(bytes.count))
    }

    /// What it leads to: documents that are manifests themselves, and blobs.
    ///
    /// - Throws: ``OCIError``; ``RegistryError/foreignLayer(_:_:)`` for a blob that no registry keeps.
    func references(action: String) throws -> (manifests: [Descriptor], blobs: [Descriptor]) {
        let type = descriptor.mediaType
        if type.isIndex {
            let entries = try Index(parsing: bytes, what: "index \(descriptor.digest)").manifests
            let isDocument = { (entry: Descriptor) in entry.mediaType.isManifest || entry.mediaType.isIndex }
            return (entries.filter(isDocument), entries.filter { !isDocument($0) })
        }
        guard type.isManifest else { return ([], []) }
        let manifest = try Manifest(parsing: bytes, digest: descriptor.digest)
        if let foreign = manifest.layers.first(where: \.isForeign) {
            throw RegistryError.foreignLayer(action, foreign.digest)
        }
        return ([], [manifest.config] + manifest.layers)
    }

    /// What it is about, where it says so: an artifact's subject.
    var subject: Descriptor? {
        guard let json = try? JSON(parsing: bytes, what: "manifest"), let subject = json["subject"] else { return nil }
        return try? Descriptor(subject, what: "subject")
    }
}

extension Descriptor {
    /// Whether the blob is to be fetched from its vendor.
    var isForeign: Bool {
        let name = mediaType.description
        return name.hasPrefix("application/vnd.docker.image.rootfs.foreign.")
            || name.hasPrefix("application/vnd.oci.image.layer.nondistributable.")
            || json["urls"]?.array?.isEmpty == false
    }
}

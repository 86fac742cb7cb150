internal import Linux
public import OCI

/// A document of a registry, byte for byte: a manifest, an index or another artifact.
public struct RemoteManifest: Sendable {
    /// The document's media type, digest and size.
    public let descriptor: Descriptor
    /// The bytes that the digest belongs to.
    public let bytes: [UInt8]

    /// Makes a document and computes its digest.
    public init(_ bytes: [UInt8], mediaType: MediaType) {
        self.bytes = bytes
        descriptor = Descriptor(mediaType: mediaType, digest: Digest(of: bytes), size: Int64(bytes.count))
    }

    /// Returns the manifests and blobs that the document refers to.
    ///
    /// - Throws: ``OCIError``; ``RegistryError/foreignLayer(_:_:)`` for a blob that no registry stores.
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

    /// The artifact's subject, if any.
    var subject: Descriptor? {
        guard let json = try? JSON(parsing: bytes, what: "manifest"), let subject = json["subject"] else { return nil }
        return try? Descriptor(subject, what: "subject")
    }
}

extension Descriptor {
    /// True if only the blob's vendor distributes it.
    var isForeign: Bool {
        let name = mediaType.description
        return name.hasPrefix("application/vnd.docker.image.rootfs.foreign.")
            || name.hasPrefix("application/vnd.oci.image.layer.nondistributable.")
            || json["urls"]?.array?.isEmpty == false
    }
}

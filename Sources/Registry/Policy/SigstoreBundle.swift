internal import Linux
internal import OCI

/// A bundle of sigstore: a signature with what verifies it, in one JSON document (sigstore's `sigstore_bundle.proto`).
///
/// Only signatures by keys are read. A certificate of Fulcio counts for nothing, and entries of Rekor are not needed: the
/// policy has the key.
struct SigstoreBundle: Sendable {
    /// The type of the artifact and of its layer.
    static let mediaType: MediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

    /// The signed content.
    private enum Content {
        /// A statement in an envelope, with the signatures of its pre-authentication encoding (DSSE).
        case envelope(statement: [UInt8], signatures: [[UInt8]])
        /// The signature of the image's manifest, which has this digest.
        case manifest(Digest, signature: [UInt8])
    }

    /// The reason for which a bundle is no signature of an image.
    struct BundleFault: Error, CustomStringConvertible {
        let description: String
    }

    private static let statementType = "application/vnd.in-toto+json"
    private static let signatureLimit = 16
    private let content: Content

    /// Parses a bundle.
    ///
    /// - Throws: ``BundleFault``.
    init(parsing bytes: [UInt8]) throws {
        guard let json = try? JSON(parsing: bytes) else { throw BundleFault(description: "is not JSON") }
        let types = [Self.mediaType.description, "application/vnd.dev.sigstore.bundle+json;version=0.3"]
        guard let type = json["mediaType"]?.string, types.contains(type) else {
            throw BundleFault(description: "is not a bundle of version 0.3")
        }
        if let material = json["verificationMaterial"], material["publicKey"] == nil,
            material["certificate"] != nil || material["x509CertificateChain"] != nil
        {
            throw BundleFault(description: "is signed with a certificate, not with a key")
        }
        switch (json["dsseEnvelope"], json["messageSignature"]) {
        case (let envelope?, nil): content = try Self.content(envelope: envelope)
        case (nil, let message?): content = try Self.content(message: message)
        default: throw BundleFault(description: "has not exactly one signed content")
        }
    }

    private static func content(envelope: JSON) throws -> Content {
        guard envelope["payloadType"]?.string == statementType, let statement = envelope["payload"]?.base64 else {
            throw BundleFault(description: "has no in-toto statement")
        }
        let list = envelope["signatures"]?.array ?? []
        guard list.count <= signatureLimit else {
            throw BundleFault(description: "has more than \(signatureLimit) signatures")
        }
        return .envelope(statement: statement, signatures: list.compactMap { $0["sig"]?.base64 })
    }

    private static func content(message: JSON) throws -> Content {
        guard let signature = message["signature"]?.base64,
            message["messageDigest"]?["algorithm"]?.string == "SHA2_256",
            let digest = (message["messageDigest"]?["digest"]?.base64).flatMap({ Digest(bytes: $0) })
        else { throw BundleFault(description: "has no signature of a SHA-256 digest") }
        return .manifest(digest, signature: signature)
    }
}

extension SigstoreBundle {
    /// Expects that one of the keys signed the manifest, for a name that suits.
    ///
    /// - Parameter manifest: Returns the manifest's bytes.
    /// - Throws: ``BundleFault``, or the error of `manifest`.
    func expectValid(
        _ keys: [SigstoreKey], _ identity: SignedIdentity, for image: Reference, with digest: Digest,
        manifest: () throws -> [UInt8]
    ) throws {
        switch content {
        case .manifest(let signed, let signature):
            guard signed == digest else { throw Self.otherImage }
            let bytes = try manifest()
            try Self.expect(keys.contains { $0.accepts(signature, of: bytes) })
            guard identity.acceptsUnnamed else { throw Self.unnamed }
        case .envelope(let statement, let signatures):
            // Nothing of the statement is read before a key accepts it.
            let text = Self.encoded(statement)
            try Self.expect(signatures.contains { signature in keys.contains { $0.accepts(signature, of: text) } })
            try Self.expectSignature(statement, identity, for: image, with: digest)
        }
    }

    private static let otherImage = BundleFault(description: "is for another image")
    private static let unnamed = BundleFault(
        description: "names no image, which only the signedIdentity 'matchRepository' accepts")

    private static func expect(_ isAccepted: Bool) throws {
        guard isAccepted else { throw BundleFault(description: "has no signature by the policy's keys") }
    }

    /// Returns the bytes that are signed in an envelope: DSSE's pre-authentication encoding.
    private static func encoded(_ statement: [UInt8]) -> [UInt8] {
        Array("DSSEv1 \(statementType.utf8.count) \(statementType) \(statement.count) ".utf8) + statement
    }

    /// Expects that a statement signs the image; a provenance by the same key, for instance, is no consent to run it.
    private static func expectSignature(
        _ statement: [UInt8], _ identity: SignedIdentity, for image: Reference, with digest: Digest
    ) throws {
        guard let json = try? JSON(parsing: statement),
            json["_type"]?.string?.hasPrefix("https://in-toto.io/Statement/") == true,
            json["predicateType"]?.string == "https://sigstore.dev/cosign/sign/v1"
        else { throw BundleFault(description: "has a statement of another type than a signature") }
        let subjects = (json["subject"]?.array ?? []).filter { $0["digest"]?["sha256"]?.string == digest.hex }
        guard !subjects.isEmpty else { throw otherImage }
        let names = subjects.map { $0["name"]?.string ?? "" }
        if names.contains(where: { !$0.isEmpty && identity.accepts($0, for: image) }) { return }
        guard names.contains("") else { throw BundleFault(description: "is for another name") }
        guard identity.acceptsUnnamed else { throw unnamed }
    }
}

extension RemoteRepository {
    private static let bundleLimit = 64
    private static let bundleSizeLimit: Int64 = 1 << 20

    /// True if a bundle among the referrers of a manifest is a signature by one of the keys.
    ///
    /// A bundle that is none is no error, since everybody with write access can add one; `fault` then has the reason of
    /// the last one.
    func hasBundle(
        by keys: [SigstoreKey], _ identity: SignedIdentity, for image: Reference, with digest: Digest, action: String,
        _ fault: inout String
    ) throws -> Bool {
        let entries = try referrers(to: digest, action: action).filter {
            $0.json["artifactType"]?.string == SigstoreBundle.mediaType.description
        }
        for entry in entries.prefix(Self.bundleLimit) {
            do {
                try SigstoreBundle(parsing: bundle(entry, action: action)).expectValid(
                    keys, identity, for: image, with: digest
                ) { try manifest(digest.description, action: action).bytes }
                return true
            } catch let error as SigstoreBundle.BundleFault {
                fault = "its bundle \(entry.digest.short) \(error)"
            }
        }
        if entries.count > Self.bundleLimit { fault = "it has more than \(Self.bundleLimit) bundles" }
        return false
    }

    /// Returns the document of a bundle's artifact.
    private func bundle(_ entry: Descriptor, action: String) throws -> [UInt8] {
        let document = try manifest(entry.digest.description, action: action)
        guard document.descriptor.mediaType.isManifest,
            let manifest = try? Manifest(parsing: document.bytes, digest: entry.digest), manifest.layers.count == 1,
            manifest.layers[0].mediaType == SigstoreBundle.mediaType
        else { throw SigstoreBundle.BundleFault(description: "is no artifact of one bundle") }
        guard manifest.layers[0].size <= Self.bundleSizeLimit else {
            throw SigstoreBundle.BundleFault(description: "is larger than \(Self.bundleSizeLimit) bytes")
        }
        return try read(manifest.layers[0])
    }
}

internal import Linux
internal import OCI

/// A signature of cosign: a payload that names an image by its digest, and the signature of these bytes.
private struct SigstoreSignature {
    static let payloadType: MediaType = "application/vnd.dev.cosign.simplesigning.v1+json"
    static let signatureKey = "dev.cosignproject.cosign/signature"
    static let artifactType = "application/vnd.dev.cosign.artifact.sig.v1+json"

    let payload: [UInt8]
    let signature: [UInt8]

    /// True if one of the keys made the signature, for the manifest and a name that suits.
    func isValid(
        _ keys: [SigstoreKey], _ identity: SignedIdentity, for image: Reference, with digest: Digest
    ) -> Bool {
        // Nothing of the payload is read before a key accepts it.
        guard keys.contains(where: { $0.accepts(signature, of: payload) }),
            let critical = (try? JSON(parsing: payload))?["critical"],
            critical["type"]?.string == "cosign container image signature",
            critical["image"]?["docker-manifest-digest"]?.string == digest.description,
            let name = critical["identity"]?["docker-reference"]?.string
        else { return false }
        return identity.accepts(name, for: image)
    }
}

extension RemoteRepository {
    /// Expects that the policy accepts an image.
    ///
    /// - Parameter digests: The document that the name refers to, then the image that was chosen from it. The signature
    ///   of either is enough, since an index contains the digests of its images.
    func expectAccepted(
        _ reference: Reference, _ digests: [Digest], by policy: SignaturePolicy?, action: String
    ) throws {
        guard let policy else { return }
        for requirement in policy.requirements(for: reference) {
            switch requirement {
            case .accept: continue
            case .reject: throw RegistryError.rejected(action, policy: policy.path)
            case .unsupported(let text):
                throw RegistryError.uncheckable(action, policy: policy.path, text)
            case .signed(let keys, let identity):
                var fault = ""
                let isSigned = try digests.contains { digest in
                    let isSigned = try signatures(of: digest, action: action).contains { signature in
                        signature.isValid(keys, identity, for: reference, with: digest)
                    }
                    return try isSigned
                        || hasBundle(by: keys, identity, for: reference, with: digest, action: action, &fault)
                }
                guard isSigned else {
                    throw RegistryError.unsigned(
                        action, policy: policy.path, keys: keys.map(\.name).joined(separator: ", "), reason: fault)
                }
            }
        }
    }

    /// Returns the signatures of a manifest: under the tag that cosign writes, and among the referrers.
    private func signatures(of digest: Digest, action: String) throws -> [SigstoreSignature] {
        var found: [SigstoreSignature] = []
        do {
            found += try signatures(in: manifest("sha256-\(digest.hex).sig", action: action))
        } catch RegistryError.notFound {}
        for entry in try referrers(to: digest, action: action)
        where entry.json["artifactType"]?.string == SigstoreSignature.artifactType {
            found += try signatures(in: manifest(entry.digest.description, action: action))
        }
        return found
    }

    private func signatures(in document: RemoteManifest) throws -> [SigstoreSignature] {
        guard document.descriptor.mediaType.isManifest else { return [] }
        let manifest = try Manifest(parsing: document.bytes, digest: document.descriptor.digest)
        return try manifest.layers.compactMap { layer in
            guard layer.mediaType == SigstoreSignature.payloadType,
                let signature = layer[annotation: SigstoreSignature.signatureKey].flatMap({
                    JSON.string($0).base64
                })
            else { return nil }
            return SigstoreSignature(payload: try read(layer), signature: signature)
        }
    }
}

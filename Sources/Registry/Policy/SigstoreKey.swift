internal import Crypto
internal import FoundationEssentials
internal import Linux
internal import OCI

/// A public key that verifies signatures: ECDSA on P-256 with SHA-256, or Ed25519.
struct SigstoreKey: Sendable {
    private enum Kind: Sendable {
        case p256(P256.Signing.PublicKey)
        case ed25519(Curve25519.Signing.PublicKey)
    }

    /// The file of the key, for messages.
    let name: String
    private let kind: Kind

    /// A fault in the text of a key.
    private struct KeyFault: Error, CustomStringConvertible {
        let description: String
    }

    /// The bytes before an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410).
    private static let ed25519Header: [UInt8] = [
        0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00,
    ]

    /// Parses a SubjectPublicKeyInfo in PEM, as `cosign generate-key-pair` and `openssl pkey -pubout` write it.
    init(pem: [UInt8], name: String) throws {
        self.name = name
        let lines = String(decoding: pem, as: UTF8.self).split(whereSeparator: \.isNewline)
        guard let start = lines.firstIndex(of: "-----BEGIN PUBLIC KEY-----"),
            let end = lines[start...].firstIndex(of: "-----END PUBLIC KEY-----"),
            let bytes = JSON.string(lines[(start + 1)..<end].joined()).base64
        else { throw KeyFault(description: "\(name) is not a public key in PEM") }
        if bytes.starts(with: Self.ed25519Header), bytes.count == Self.ed25519Header.count + 32,
            let key = try? Curve25519.Signing.PublicKey(
                rawRepresentation: bytes.dropFirst(Self.ed25519Header.count))
        {
            kind = .ed25519(key)
        } else if let key = try? P256.Signing.PublicKey(derRepresentation: bytes) {
            kind = .p256(key)
        } else {
            throw KeyFault(
                description: "\(name) is a public key of another kind than ECDSA P-256 and Ed25519")
        }
    }

    /// True if this key made the signature of these bytes.
    func accepts(_ signature: [UInt8], of payload: [UInt8]) -> Bool {
        switch kind {
        case .ed25519(let key): return key.isValidSignature(signature, for: payload)
        case .p256(let key):
            guard let signature = try? P256.Signing.ECDSASignature(derRepresentation: signature) else {
                return false
            }
            return key.isValidSignature(signature, for: payload)
        }
    }
}

internal import OCI

extension Digest {
    /// The identity of a stack of layers: SHA-256 over the identity below and the next diff ID (OCI image spec, config,
    /// layer ChainID). Nil for no layers.
    static func chainID(of layers: some Sequence<Layer>) -> Digest? {
        layers.reduce(nil) { below, layer in below.map { chainID($0, layer.diffID) } ?? layer.diffID }
    }

    private static func chainID(_ below: Digest, _ diffID: Digest) -> Digest {
        Digest(of: Array("\(below) \(diffID)".utf8))
    }
}

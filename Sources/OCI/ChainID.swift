extension Digest {
    /// The identity of a stack of layers: SHA-256 over the identity below and the next diff ID (OCI image spec, config,
    /// layer ChainID). Nil for no layers.
    public static func chainID(of layers: some Sequence<Layer>) -> Digest? {
        layers.reduce(nil) { below, layer in chainID(layer.diffID, on: below) }
    }

    /// The identity of every stack that begins with the lowest of `layers`, the smallest stack first.
    public static func chainIDs(of layers: [Layer]) -> [Digest] {
        var below: Digest?
        return layers.map { layer in
            let chain = chainID(layer.diffID, on: below)
            below = chain
            return chain
        }
    }

    /// The identity of one layer on top of the stack `below`; nil is no layers.
    static func chainID(_ diffID: Digest, on below: Digest?) -> Digest {
        below.map { Digest(of: Array("\($0) \(diffID)".utf8)) } ?? diffID
    }
}

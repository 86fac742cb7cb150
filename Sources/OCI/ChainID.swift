extension Digest {
    /// Returns the ChainID of a stack of layers; nil for no layers.
    ///
    /// It is the SHA-256 over the ChainID below and the next diff ID (OCI image spec, config, layer ChainID).
    public static func chainID(of layers: some Sequence<Layer>) -> Digest? {
        layers.reduce(nil) { below, layer in chainID(layer.diffID, on: below) }
    }

    /// Returns the ChainID of every stack that begins with the lowest of `layers`, the smallest stack first.
    public static func chainIDs(of layers: [Layer]) -> [Digest] {
        var below: Digest?
        return layers.map { layer in
            let chain = chainID(layer.diffID, on: below)
            below = chain
            return chain
        }
    }

    /// Returns the ChainID of one layer on top of the stack `below`; nil is no layers.
    static func chainID(_ diffID: Digest, on below: Digest?) -> Digest {
        below.map { Digest(of: Array("\($0) \(diffID)".utf8)) } ?? diffID
    }
}

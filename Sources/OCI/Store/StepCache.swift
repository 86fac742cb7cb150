internal import Linux
internal import SystemPackage

// What a build step gave, by the digest of everything it depended on. One small JSON file a step, written whole or not
// at all; its layer's blob is kept from collection for as long as it stands.

extension Store {
    /// The layer that the step of that key gave, if it is remembered and its blob is still whole.
    public func cachedLayer(for key: Digest) throws -> Layer? {
        let path = Self.cachePath(of: key)
        guard try root.exists(path), let layer = try? readLayer(at: path), try has(layer.descriptor) else { return nil }
        return layer
    }

    /// Remembers what the step of that key gave.
    public func cache(_ layer: Layer, for key: Digest) throws {
        var json = layer.descriptor.json
        json["diffID"] = .string(layer.diffID.description)
        try root.replace(Self.cachePath(of: key), with: json.bytes)
    }

    /// All remembered layers.
    func cachedLayers() throws -> [Layer] {
        try root.directory("thaw/cache").entries().compactMap { entry in
            try? readLayer(at: FilePath("thaw/cache").appending(FilePath(bytes: entry.name).components))
        }
    }

    private func readLayer(at path: FilePath) throws -> Layer {
        var json = try JSON(parsing: root.contents(of: path, limit: 1 << 20), what: "step cache \(path)")
        let diffID = try Digest(json["diffID"]?.string ?? "")
        json["diffID"] = nil
        return Layer(descriptor: try Descriptor(json, what: "step cache \(path)"), diffID: diffID)
    }

    private static func cachePath(of key: Digest) -> FilePath { FilePath("thaw/cache/\(key.hex)") }
}

/// The annotations that name an image's base (OCI image spec, predefined annotation keys).
public enum BaseAnnotation {
    /// The base's name.
    public static let name = "org.opencontainers.image.base.name"
    /// The digest of the base's manifest.
    public static let digest = "org.opencontainers.image.base.digest"
}

extension Image {
    /// Returns this image with annotations that name its base; without one, those of another base are removed.
    public func based(on name: Reference?, _ digest: Digest?) -> Image {
        reannotated { annotations in
            annotations[BaseAnnotation.name] = name?.description
            annotations[BaseAnnotation.digest] = digest?.description
        }
    }

    /// Returns this image with another base: the new one's layers and history below its own.
    ///
    /// The rest of the configuration remains, except for the platform, which is the new base's.
    ///
    /// ```
    /// old base | own layers          new base | own layers
    /// ```
    /// - Throws: ``OCIError/invalidImage(_:)`` if the lowest layers are not those of `old`.
    public func rebased(from old: Image, onto new: Image) throws(OCIError) -> Image {
        let count = old.layers.count
        guard layers.count >= count, zip(layers, old.layers).allSatisfy({ $0.diffID == $1.diffID }) else {
            throw .invalidImage("the layers of the old base \(old.descriptor.digest.short) are not its lowest layers")
        }
        var config = config
        config.history = try history(above: count, under: new)
        config["os"] = new.config["os"]
        config["os.version"] = new.config["os.version"]
        config["architecture"] = new.config["architecture"]
        config["variant"] = new.config["variant"]
        return replacingLayers(new.layers + layers[count...], config: config)
    }

    /// Returns the history of `new`, then that of the layers from the `count`th on.
    private func history(above count: Int, under new: Image) throws(OCIError) -> [History] {
        var rest = config.history[...]
        var left = count
        while left > 0, let line = rest.popFirst() { if !line.isEmptyLayer { left -= 1 } }
        guard rest.filter({ !$0.isEmptyLayer }).count == layers.count - count, new.hasWholeHistory else { return [] }
        return new.config.history + rest
    }

    private var hasWholeHistory: Bool { config.history.filter { !$0.isEmptyLayer }.count == layers.count }
}

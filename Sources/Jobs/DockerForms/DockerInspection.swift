internal import Linux
internal import OCI

/// The document of `docker image inspect`, for the templates of scripts that read it.
///
/// Source: the Docker Engine API, `ImageInspect`. It has the fields that an image of a store has.
enum DockerInspection {
    /// Returns the document of an image.
    ///
    /// Cost: the layers are read once, unless the store knows their entries.
    ///
    /// - Parameters:
    ///   - names: The names of the image in the store.
    ///   - unpackedSize: The bytes of the files in all layers, which Docker prints as the size.
    static func document(of image: Image, names: [Reference], unpackedSize: Int64) throws -> JSON {
        let config = try JSON(parsing: image.configBytes, what: "configuration")
        // Docker lists digests that a registry has.
        let digest = image.manifest.hasDeferredLayers ? nil : image.descriptor.digest
        return .object([
            "Id": .string("\(image.manifest.config.digest)"),
            "RepoTags": .strings(names.map(\.familiar)),
            "RepoDigests": .strings(digest.map { digest in repositories(names).map { "\($0)@\(digest)" } } ?? []),
            "Created": config["created"] ?? .string(""),
            "Author": config["author"] ?? .string(""),
            "Architecture": .string(image.config.platform.architecture),
            "Variant": .string(image.config.platform.variant ?? ""),
            "Os": .string(image.config.platform.os),
            "Size": .integer(unpackedSize),
            "Config": configuration(config["config"] ?? .object([:])),
            "RootFS": .object([
                "Type": .string("layers"), "Layers": .strings(image.layers.map { "\($0.diffID)" }),
            ]),
        ])
    }

    /// Returns the names without tag, each once.
    private static func repositories(_ names: [Reference]) -> [String] {
        var seen: Set<String> = []
        return names.map { TaggedName($0.familiar).repository }.filter { seen.insert($0).inserted }
    }

    /// Returns the configuration with the maps that templates count, such as `{{len .Config.ExposedPorts}}`.
    private static func configuration(_ config: JSON) -> JSON {
        var result = config
        for key in ["ExposedPorts", "Labels", "Volumes"] where isMissing(key, in: config) { result[key] = .object([:]) }
        for key in ["Env", "Cmd", "Entrypoint"] where isMissing(key, in: config) { result[key] = .array([]) }
        for key in ["User", "WorkingDir"] where isMissing(key, in: config) { result[key] = .string("") }
        return result
    }

    private static func isMissing(_ key: String, in config: JSON) -> Bool {
        config[key].map { $0 == .null } ?? true
    }
}

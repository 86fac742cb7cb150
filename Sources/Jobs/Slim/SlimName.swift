public import OCI

/// The name of a slim image.
public enum SlimName {
    /// Returns the name that was given, else that of the image with the tag `slim`.
    ///
    /// - Parameters:
    ///   - given: The value of `-t`.
    ///   - image: The image on the command line, by a name or a transport.
    /// - Throws: A usage failure for the name of the image itself, and for an image without a name of its own.
    public static func choose(_ given: String?, for image: String) throws -> Reference {
        let source = try Transport(image).reference
        if let given { return try check(given, for: image) }
        guard let source else {
            throw Failure("the slim image of '\(image)' needs a name", remedy: "add -t NAME", status: .usage)
        }
        let name = try reference("\(source.host)/\(source.path):slim")
        try expectOther(name, than: source)
        return name
    }

    /// Returns the name that was given for an image on the command line.
    ///
    /// - Throws: A usage failure for the name of the image itself.
    public static func check(_ given: String, for image: String) throws -> Reference {
        let name = try reference(given)
        try expectOther(name, than: Transport(image).reference)
        return name
    }

    /// Refuses the name of the original, which the slim image would replace.
    private static func expectOther(_ name: Reference, than source: Reference?) throws {
        guard let source, source.digest == nil, name == source else { return }
        throw Failure(
            "the slim image would replace its original '\(source.familiar)'", remedy: "give another name with -t",
            status: .usage)
    }
}

extension Transport {
    /// The image's name; nil for a place that may have no name.
    fileprivate var reference: Reference? {
        switch self {
        case .store(let name), .docker(let name), .podman(let name), .registry(let name): name
        case .layout, .ociArchive, .dockerArchive: nil
        }
    }
}

// The identity of an image that people see and write, as in Docker: the digest of its configuration.
//
// It names the contents and not their compression, so it is the same after a build, in a registry and after a pull.

extension ImageSet {
    /// Returns the image ID: the digest of the configuration, or of the index if it has several images.
    public func id() throws -> Digest {
        let images = try images()
        return images.count == 1 ? images[0].manifest.config.digest : descriptor.digest
    }
}

extension SetFacts {
    /// Returns the image ID of the manifest or index with these facts.
    func id(of top: Digest) -> Digest { configs.count == 1 ? configs[0] : top }
}

extension Reference {
    private static let shortestID = 12

    /// The hexadecimal digits of an image ID, for a text such as `sha256:41c2…` or `41c2d9e0f1a2`; nil for another name.
    ///
    /// Such a text is also a valid name, and an image with this name comes first.
    var imageID: String? {
        guard host == "docker.io", digest == nil, path.hasPrefix("library/") else { return nil }
        let name = path.dropFirst("library/".count)
        let digits = name == "sha256" ? tag ?? "" : tag == "latest" ? String(name) : ""
        let isID = (Self.shortestID...64).contains(digits.utf8.count) && digits.utf8.allSatisfy(Digest.isHexDigit)
        return isID ? digits : nil
    }
}

extension Store {
    /// Returns the entry of the image whose ID begins with these digits; nil if there is none, or more than one.
    func entry(withID digits: String) throws -> Descriptor? {
        let entries = try images().map(\.descriptor)
        let facts = try SetFacts.all(of: entries, in: self)
        let found = entries.filter { facts[$0.digest]?.id(of: $0.digest).hex.hasPrefix(digits) ?? false }
        return Set(found.compactMap { facts[$0.digest]?.id(of: $0.digest) }).count == 1 ? found.first : nil
    }
}

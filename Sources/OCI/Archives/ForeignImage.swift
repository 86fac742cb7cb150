internal import Linux
public import SystemPackage

/// An image in a layout or an archive, with its names there.
public struct ForeignImage: Sendable {
    /// The full names.
    public var names: [Reference]
    /// The name if it is not a full one: `latest`.
    public let tag: String?
    /// The image, or the index of images.
    public let set: ImageSet

    init(names: [Reference], tag: String? = nil, set: ImageSet) {
        (self.names, self.tag, self.set) = (names, tag, set)
    }

    /// Reads an entry of a layout's index.
    ///
    /// containerd and Docker write the full name beside the tag. Other programs write either into one annotation; a
    /// text without `:`, `/` or `@` is a tag there.
    init(_ entry: Descriptor, in source: any BlobSource) throws {
        let text = entry[annotation: LayoutExport.referenceKey]
        let isName = text?.contains { ":/@".contains($0) } ?? false
        let whole = entry[annotation: LayoutExport.containerdKey] ?? (isName ? text : nil)
        names = try whole.map { [try Reference($0)] } ?? []
        tag = text
        var entry = entry
        entry[annotation: LayoutExport.referenceKey] = nil
        entry[annotation: LayoutExport.containerdKey] = nil
        set = ImageSet(entry, in: source)
    }

    /// True if every image is complete, or at least its image for this machine.
    ///
    /// Each digest is checked once.
    static func areComplete(_ images: [ForeignImage], name: String) throws -> Bool {
        var seen: Set<Digest> = []
        return try images.allSatisfy { image in
            try !seen.insert(image.set.descriptor.digest).inserted || image.isComplete(name: name)
        }
    }

    private func isComplete(name: String) throws -> Bool {
        do {
            _ = try set.complete(or: .host, name: name).blobs()
            return true
        } catch OCIError.blobMissing {
            return false
        }
    }

    /// True if `text` names this image.
    func isCalled(_ text: String) -> Bool {
        if tag == text { return true }
        guard let reference = try? Reference(text) else { return false }
        return names.contains(reference)
    }

    /// Returns the image that `text` names, or the only one if it is nil; `place` is their container in errors.
    static func find(_ text: String?, in images: [ForeignImage], place: String) throws -> ForeignImage {
        let names = images.flatMap { $0.names.isEmpty ? [$0.tag].compactMap(\.self) : $0.names.map(\.familiar) }
        guard let text else {
            let digests = Set(images.map(\.set.descriptor.digest))
            if digests.count == 1, let image = images.first { return image }
            if images.isEmpty { throw OCIError.unreadableArchive(place, reason: "it has no image") }
            throw OCIError.notInArchive(nil, place: place, names: names)
        }
        guard let image = images.first(where: { $0.isCalled(text) }) else {
            throw OCIError.notInArchive(text, place: place, names: names)
        }
        return image
    }
}

extension Store {
    /// Stores every named image of a layout directory or an archive.
    ///
    /// An archive is an OCI layout in a tar, or the output of `docker save`, each also compressed. An index over
    /// several platforms remains one if all of them are present.
    /// - Returns: The names, in the order of the archive.
    /// - Throws: ``OCIError/unnamedImage(_:tag:)`` if an image has only a tag, and nothing has a name.
    public func load(_ path: FilePath) throws -> [Reference] {
        let lease = try lease()
        let names = try name(images(at: path), of: path.string)
        try lease.release()
        return names
    }

    /// Stores every named image of an archive that is read from front to back.
    public func load(archive source: any ByteSource, name: String) throws -> [Reference] {
        let lease = try lease()
        let names = try self.name(images(inArchive: source, name: name), of: name)
        try lease.release()
        return names
    }

    private func name(_ images: [ForeignImage], of place: String) throws -> [Reference] {
        var taken: [Digest: Descriptor] = [:]
        var named: [(descriptor: Descriptor, reference: Reference)] = []
        for image in images where !image.names.isEmpty {
            let digest = image.set.descriptor.digest
            let stored = try taken[digest] ?? take(image.set.complete(or: .host, name: image.names[0].familiar))
            taken[digest] = stored
            // Entries for the same image may differ in their annotations.
            let descriptor = stored.digest == digest ? image.set.descriptor : stored
            named += image.names.map { (descriptor, $0) }
        }
        if named.isEmpty, let tag = images.compactMap(\.tag).first {
            throw OCIError.unnamedImage(place, tag: tag)
        }
        try name(named)
        return named.map(\.reference)
    }

    /// Returns the images of a layout or an archive.
    ///
    /// A layout's directory and a plain archive's layout are read in place. The files of other archives become blobs of
    /// this store. The next collection removes those that belong to no image, so the caller holds a lease.
    public func images(at path: FilePath) throws -> [ForeignImage] {
        let file = try OwnedDescriptor(path, [.read])
        if try file.status().type == .directory { return try Layout(at: path).images() }
        let name = path.string
        if let archive = try PlainArchive(file.duplicate(), name: name), let images = try archive.images() {
            return images
        }
        return try images(inArchive: FileSource(file), name: name)
    }

    /// Returns the image in a layout or an archive that `text` names, or the only one.
    public func image(_ text: String?, at path: FilePath) throws -> ImageSet {
        try ForeignImage.find(text, in: images(at: path), place: path.string).set
    }
}

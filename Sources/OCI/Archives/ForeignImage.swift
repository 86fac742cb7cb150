internal import Linux
public import SystemPackage

/// An image that a layout or an archive holds, with what it is called there.
public struct ForeignImage: Sendable {
    /// Its whole names.
    public var names: [Reference]
    /// What it is called where that is no whole name: `latest`.
    public let tag: String?
    /// The image, or the index of images.
    public let set: ImageSet

    init(names: [Reference], tag: String? = nil, set: ImageSet) {
        (self.names, self.tag, self.set) = (names, tag, set)
    }

    /// An entry of a layout's index. containerd and Docker give the whole name beside the tag; other programs put
    /// either into one annotation, and a text without `:`, `/` or `@` is a tag there.
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

    /// True if all of every image is there, or the image for this machine at least. Each digest is looked at once.
    static func areWhole(_ images: [ForeignImage], name: String) throws -> Bool {
        var seen: Set<Digest> = []
        return try images.allSatisfy { image in
            try !seen.insert(image.set.descriptor.digest).inserted || image.isWhole(name: name)
        }
    }

    private func isWhole(name: String) throws -> Bool {
        do {
            _ = try set.complete(or: .host, name: name).blobs()
            return true
        } catch OCIError.blobMissing {
            return false
        }
    }

    /// Whether `text` names this image.
    func isCalled(_ text: String) -> Bool {
        if tag == text { return true }
        guard let reference = try? Reference(text) else { return false }
        return names.contains(reference)
    }

    /// The image that `text` names, or the only one where that is nil; `place` is where they are.
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
    /// Takes in every named image of a layout directory, or of an archive: an OCI layout in a tar, or what `docker save`
    /// writes, each also compressed. An index over several platforms stays one where all of them are there.
    ///
    /// - Returns: The names, in the order of the archive.
    /// - Throws: ``OCIError/unnamedImage(_:tag:)`` where an image has only a tag, and nothing has a name.
    public func load(_ path: FilePath) throws -> [Reference] {
        let lease = try lease()
        let names = try name(images(at: path), of: path.string)
        try lease.release()
        return names
    }

    /// Takes in every named image of an archive that is read from front to back.
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

    /// The images of a layout's directory or of a plain archive's layout, where they are; else of an archive, whose
    /// files become blobs of this store. What of these turns out to belong to no image goes with the next collection, so
    /// the caller holds a lease.
    public func images(at path: FilePath) throws -> [ForeignImage] {
        let file = try OwnedDescriptor(path, [.read])
        if try file.status().type == .directory { return try Layout(at: path).images() }
        let name = path.string
        if let archive = try PlainArchive(file.duplicate(), name: name), let images = try archive.images() {
            return images
        }
        return try images(inArchive: FileSource(file), name: name)
    }

    /// The image in a layout or an archive that `text` names, or the only one.
    public func image(_ text: String?, at path: FilePath) throws -> ImageSet {
        try ForeignImage.find(text, in: images(at: path), place: path.string).set
    }
}

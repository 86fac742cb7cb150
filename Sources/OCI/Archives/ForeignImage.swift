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
        try name(images(at: path), of: path.string)
    }

    /// Takes in every named image of an archive that is read from front to back.
    public func load(archive source: any ByteSource, name: String) throws -> [Reference] {
        let lease = try lease()
        let names = try self.name(images(inArchive: source, name: name), of: name)
        try lease.release()
        return names
    }

    private func name(_ images: [ForeignImage], of place: String) throws -> [Reference] {
        var names: [Reference] = []
        for image in images where !image.names.isEmpty {
            let set = try image.set.complete(or: .host, name: image.names[0].familiar)
            for reference in image.names {
                try publish(set, as: reference)
                names.append(reference)
            }
        }
        if names.isEmpty, let tag = images.compactMap(\.tag).first {
            throw OCIError.unnamedImage(place, tag: tag)
        }
        return names
    }

    /// The images of a layout's directory, where they are, or of an archive, whose files become blobs of this store.
    /// What turns out to belong to no image goes with the next collection, so the caller holds a lease.
    public func images(at path: FilePath) throws -> [ForeignImage] {
        if try OwnedDescriptor(path, [.read]).status().type == .directory { return try Layout(at: path).images() }
        return try images(inArchive: FileSource(OwnedDescriptor(path)), name: path.string)
    }

    /// The image in an archive that `text` names, or the only one.
    public func image(_ text: String?, inArchive path: FilePath) throws -> ImageSet {
        let images = try images(inArchive: FileSource(OwnedDescriptor(path)), name: path.string)
        return try ForeignImage.find(text, in: images, place: path.string).set
    }
}

public import Linux
public import SystemPackage

/// A store of images: an OCI image layout that other tools can read, and Thaw's own data beside it.
///
/// ```
/// oci-layout  index.json  blobs/sha256/HEX       OCI image layout 1.0; a name is the ref.name annotation
/// thaw/lock      shared while an image is in use, exclusive during a collection
/// thaw/ingest/   blobs being written
/// thaw/cache/    the results of build steps, by their key
/// thaw/names/    entries that wait for their place in index.json
/// thaw/facts     what a list of images needs of their documents
/// thaw/origins/  the repositories that have a blob too, by digest
/// thaw/index/    the headers of layers, by diff ID
/// thaw/layers/   layers unpacked for running commands, by chain ID
/// ```
/// Safe for several processes; nothing half-written ever has its final name.
public struct Store: BlobSource {
    /// The store's directory.
    public let path: FilePath
    /// The open directory, inside which paths are resolved.
    public let root: Directory

    private static let layout: [UInt8] = Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8)

    /// Opens the store at `path`, and creates a missing one; one that this process may not write can be read.
    public init(at path: FilePath) throws {
        self.path = path
        // Images may hold files of which other users of this machine may know nothing.
        root = try Directory.make(path, mode: 0o700)
        do {
            try make()
        } catch let error as SystemError where error.refusesWriting {
            guard try root.exists("index.json") else { throw error }
        }
    }

    private func make() throws {
        for directory: FilePath in ["blobs/sha256", "thaw/ingest", "thaw/cache", "thaw/index"] {
            try root.makeDirectories(directory)
        }
        try makeLayersDirectory()
        if try !root.exists("oci-layout") { try root.replace("oci-layout", with: Self.layout) }
        if try root.exists("index.json") { return }
        // Another process may create it meanwhile, and add a name at once.
        let lock = try Lock(path.appending("thaw/index.lock"), .exclusive)
        if try !root.exists("index.json") { try root.replace("index.json", with: Index().bytes) }
        try lock.release()
    }

    /// Closed to other users of the machine: they must not run an image's setuid programs.
    func makeLayersDirectory() throws { try root.makeDirectories("thaw/layers", mode: 0o700) }

    /// Empties the directory of unpacked layers, for a caller that knows that nothing in it is in use.
    public func removeUnpackedLayers() throws {
        try root.removeTree("thaw/layers")
        try makeLayersDirectory()
    }

    /// Prevents collection as long as the value exists.
    ///
    /// A reader of a store that it may not write takes any lock that it can: such a store is collected by its owner.
    public func lease() throws(SystemError) -> Lock { try Lock.forReading(path.appending("thaw/lock")) }
}

// MARK: - Blobs

extension Store {
    public func open(_ blob: Descriptor) throws -> any ByteSource {
        try openBlob(blob, in: root)
    }

    public func openPlain(_ diffID: Digest) throws -> (any ByteSource)? {
        let path = Self.path(of: diffID)
        guard try root.exists(path), try root.status(of: path).type == .regular else { return nil }
        let file = try root.open(path, [.read, .noFollow, .nonBlocking])
        return VerifyingSource(FileSource(file), digest: diffID, size: nil)
    }

    /// True if the store has the blob, complete by its size.
    public func has(_ blob: Descriptor) throws -> Bool {
        let path = Self.path(of: blob.digest)
        return try root.exists(path) && root.status(of: path).size == blob.size
    }

    /// Returns the descriptor of a stored manifest, also of one without a name; nil if the store does not have it.
    public func manifest(_ digest: Digest) throws -> Descriptor? {
        let path = Self.path(of: digest)
        guard try root.exists(path) else { return nil }
        return Descriptor(mediaType: .manifest, digest: digest, size: try root.status(of: path).size)
    }

    /// Returns the size of a blob; nil if the store lacks it.
    func size(of digest: Digest) throws -> Int64? {
        let path = Self.path(of: digest)
        return try root.exists(path) ? root.status(of: path).size : nil
    }

    /// Starts a new blob.
    public func ingest() throws -> Ingest { try Ingest(into: self) }

    /// Stores a document.
    public func put(_ bytes: [UInt8], as mediaType: MediaType) throws -> Descriptor {
        let blob = try ingest()
        try blob.write(bytes)
        return try blob.commit(as: mediaType)
    }

    /// Stores the bytes of `source`, which must be the blob of `descriptor`.
    public func put(_ source: any ByteSource, expecting descriptor: Descriptor) throws {
        if try has(descriptor) { return }
        let blob = try ingest()
        while true {
            let chunk = try source.next()
            if chunk.isEmpty { break }
            // An endless source must not fill the disk.
            guard blob.size + Int64(chunk.count) <= descriptor.size else {
                throw OCIError.blobSize(
                    descriptor.digest, expected: descriptor.size, found: blob.size + Int64(chunk.count))
            }
            try blob.write(chunk)
        }
        try blob.commit(expecting: descriptor)
    }

    static func path(of digest: Digest) -> FilePath { FilePath("blobs/sha256/\(digest.hex)") }
}

// MARK: - Images

extension Store {
    /// Reads the store's index.
    public func index() throws -> Index {
        try Index(parsing: indexBytes(), what: "\(path)/index.json")
    }

    func indexBytes() throws -> [UInt8] { try root.contents(of: "index.json", limit: 64 << 20) }

    /// Returns all names with their descriptors, sorted by name.
    public func images() throws -> [(name: String, descriptor: Descriptor)] {
        try index().manifests
            .compactMap { entry in entry[annotation: Self.referenceKey].map { ($0, entry) } }
            .sorted { $0.0 < $1.0 }
    }

    /// Returns the image of a name for a platform.
    public func image(_ reference: Reference, for platform: Platform = .host) throws -> Image {
        try image(entry(reference), for: platform, name: reference.familiar)
    }

    /// Returns the image or index of a name.
    public func set(_ reference: Reference) throws -> ImageSet {
        var entry = try entry(reference)
        entry[annotation: Self.referenceKey] = nil
        return ImageSet(entry, in: self)
    }

    /// Returns the index's entry of a name.
    private func entry(_ reference: Reference) throws -> Descriptor {
        let bytes = try indexBytes()
        let words = [reference.description] + (reference.digest.map { [$0.description] } ?? [])
        let manifests =
            try IndexText(bytes)?.entries(with: words)
            ?? Index(parsing: bytes, what: "\(path)/index.json").manifests
        let found = manifests.first { entry in
            // A name with an index's digest has the entry of the image that was chosen from it.
            if let digest = reference.digest, entry.digest == digest { return true }
            return entry[annotation: Self.referenceKey] == reference.description
        }
        if let found { return found }
        if let prefix = reference.imageID, let found = try entry(withID: prefix) { return found }
        throw OCIError.imageNotFound(reference.familiar, store: path.string)
    }

    /// Returns the image of a descriptor, through an index if it is one.
    public func image(_ descriptor: Descriptor, for platform: Platform, name: String) throws -> Image {
        try Image(manifest: resolve(descriptor, for: platform, name: name, in: self), in: self)
    }

    /// Stores an image whose blobs are elsewhere or already here, and sets its name.
    ///
    /// After the return everything that the image needs is in the store and survives a crash.
    /// - Throws: ``OCIError/invalidImage(_:)`` if a document is larger than any command reads.
    @discardableResult
    public func publish(_ image: Image, as reference: Reference?) throws -> Descriptor {
        for (document, bytes) in [("configuration", image.configBytes), ("manifest", image.manifestBytes)]
        where bytes.count > Image.documentLimit {
            throw OCIError.invalidImage(
                "its \(document) has \(bytes.count) bytes; the limit is \(Image.documentLimit) bytes")
        }
        let lease = try lease()
        for layer in image.layers where try !has(layer.descriptor) {
            try put(image.source.open(layer.descriptor), expecting: layer.descriptor)
        }
        _ = try put(image.configBytes, as: image.manifest.config.mediaType)
        let descriptor = try put(image.manifestBytes, as: image.descriptor.mediaType)
        if let reference {
            var entry = descriptor
            entry.platform = image.config.platform
            try name([(entry, reference)])
        }
        try lease.release()
        return descriptor
    }

    /// Removes a name; its image remains until collection.
    ///
    /// - Throws: ``OCIError/imageNotFound(_:store:)`` if there is no such name.
    public func remove(_ reference: Reference) throws {
        guard try removeEntries(named: reference.description) > 0 else {
            throw OCIError.imageNotFound(reference.familiar, store: path.string)
        }
    }

    /// Sets names of stored images or indexes, with one write of the store's index.
    ///
    /// The last of equal names wins.
    func name(_ named: [(descriptor: Descriptor, reference: Reference)]) throws {
        var places: [String: Int] = [:]
        var entries: [Descriptor] = []
        for (descriptor, reference) in named {
            var entry = descriptor
            entry[annotation: Self.referenceKey] = reference.description
            entry[annotation: LayoutExport.containerdKey] = nil
            if let place = places.updateValue(entries.count, forKey: reference.description) {
                places[reference.description] = place
                entries[place] = entry
            } else {
                entries.append(entry)
            }
        }
        try add(entries)
    }
}

/// Opens a blob of a layout's directory, which is verified as it is read.
func openBlob(_ blob: Descriptor, in root: Directory) throws -> any ByteSource {
    let path = Store.path(of: blob.digest)
    guard try root.exists(path) else { throw OCIError.blobMissing(blob.digest) }
    // Opening a FIFO would wait for a writer.
    let file = try root.open(path, [.read, .nonBlocking])
    guard try file.status().type == FileType.regular else { throw OCIError.blobMissing(blob.digest) }
    return VerifyingSource(FileSource(file), digest: blob.digest, size: blob.size)
}

/// Returns the manifest for `platform` that a descriptor leads to, through at most eight indexes.
func resolve(
    _ descriptor: Descriptor, for platform: Platform, name: String, in source: any BlobSource
) throws -> Descriptor {
    var current = descriptor
    for _ in 0..<8 where current.mediaType.isIndex {
        let index = try Index(parsing: source.read(current), what: "index \(current.digest)")
        guard let chosen = index.manifest(for: platform) else {
            throw OCIError.noPlatform(
                platform.description, reference: name,
                available: index.manifests.filter { !$0.isAttestation }.compactMap { $0.platform?.description })
        }
        current = chosen
    }
    return current
}

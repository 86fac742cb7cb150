public import Linux
public import SystemPackage

/// Where images are kept: an OCI image layout that other tools can read, and Thaw's own things beside it.
///
/// ```
/// oci-layout  index.json  blobs/sha256/HEX       OCI image layout 1.0; a name is the ref.name annotation
/// thaw/lock      shared while an image is in use, exclusive while garbage is collected
/// thaw/ingest/   blobs being written
/// thaw/cache/    what build steps gave, by their key
/// thaw/origins/  the repositories that hold a blob too, by digest
/// thaw/index/    the headers of layers, by diff ID
/// thaw/layers/   layers unpacked for running commands, by chain ID
/// ```
/// Safe for several processes; nothing half-written ever has its final name.
public struct Store: BlobSource {
    /// The store's directory.
    public let path: FilePath
    /// The same, open: paths are resolved inside it.
    public let root: Directory

    private static let reference = "org.opencontainers.image.ref.name"
    private static let layout: [UInt8] = Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8)

    /// Opens the store at `path`, making it where there is none. One that this process may not write can be read.
    public init(at path: FilePath) throws {
        self.path = path
        root = try Directory.make(path, mode: 0o755)
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
        // Another process may make it meanwhile, and give it a name at once.
        let lock = try Lock(path.appending("thaw/index.lock"), .exclusive)
        if try !root.exists("index.json") { try root.replace("index.json", with: Index().bytes) }
        try lock.release()
    }

    /// Closed to other users of the machine: an image's set-uid programs must not be theirs to run.
    func makeLayersDirectory() throws { try root.makeDirectories("thaw/layers", mode: 0o700) }

    /// Empties the directory of unpacked layers, for whoever knows that nothing in it is in use.
    public func removeUnpackedLayers() throws {
        try root.removeTree("thaw/layers")
        try makeLayersDirectory()
    }

    /// Keeps collection away while the value lives.
    ///
    /// A reader of a store that it may not write takes what lock it can: there, collection is the owner's affair.
    public func lease() throws(SystemError) -> Lock { try Lock.forReading(path.appending("thaw/lock")) }
}

// MARK: - Blobs

extension Store {
    public func open(_ blob: Descriptor) throws -> any ByteSource {
        try openBlob(blob, in: root)
    }

    /// Whether the store has the blob, whole by its size.
    public func has(_ blob: Descriptor) throws -> Bool {
        let path = Self.path(of: blob.digest)
        return try root.exists(path) && root.status(of: path).size == blob.size
    }

    /// Starts a new blob.
    public func ingest() throws -> Ingest { try Ingest(into: self) }

    /// Stores a document.
    public func put(_ bytes: [UInt8], as mediaType: MediaType) throws -> Descriptor {
        let blob = try ingest()
        try blob.write(bytes)
        return try blob.commit(as: mediaType)
    }

    /// Stores what `source` gives, which must be the blob that `descriptor` describes.
    public func put(_ source: any ByteSource, expecting descriptor: Descriptor) throws {
        if try has(descriptor) { return }
        let blob = try ingest()
        while true {
            let chunk = try source.next()
            if chunk.isEmpty { break }
            // What comes without end must not fill the disk.
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
    /// The store's index as it is now.
    public func index() throws -> Index {
        try Index(parsing: root.contents(of: "index.json", limit: 64 << 20), what: "\(path)/index.json")
    }

    /// All names with what they name, sorted by name.
    public func images() throws -> [(name: String, descriptor: Descriptor)] {
        try index().manifests
            .compactMap { entry in entry[annotation: Self.reference].map { ($0, entry) } }
            .sorted { $0.0 < $1.0 }
    }

    /// The image of that name for a platform.
    public func image(_ reference: Reference, for platform: Platform = .host) throws -> Image {
        try image(entry(reference), for: platform, name: reference.familiar)
    }

    /// What a name stands for: an image, or an index of them.
    public func set(_ reference: Reference) throws -> ImageSet {
        var entry = try entry(reference)
        entry[annotation: Self.reference] = nil
        return ImageSet(entry, in: self)
    }

    /// What the index has under a name.
    private func entry(_ reference: Reference) throws -> Descriptor {
        let manifests = try index().manifests
        let found = manifests.first { entry in
            // What was named with an index's digest is the image that was chosen of it.
            if let digest = reference.digest, entry.digest == digest { return true }
            return entry[annotation: Self.reference] == reference.description
        }
        guard let found else { throw OCIError.imageNotFound(reference.familiar, store: path.string) }
        return found
    }

    /// The image that a descriptor leads to, through an index where it is one.
    public func image(_ descriptor: Descriptor, for platform: Platform, name: String) throws -> Image {
        try Image(manifest: resolve(descriptor, for: platform, name: name, in: self), in: self)
    }

    /// Stores an image whose blobs are elsewhere or already here, and gives it a name.
    ///
    /// When this returns, everything the image needs is in the store and survives a crash.
    @discardableResult
    public func publish(_ image: Image, as reference: Reference?) throws -> Descriptor {
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

    /// Takes a name away; what it named stays until collection.
    ///
    /// - Throws: ``OCIError/imageNotFound(_:store:)`` where nothing has that name.
    public func remove(_ reference: Reference) throws {
        try editIndex { index in
            let count = index.manifests.count
            index.manifests.removeAll { $0[annotation: Self.reference] == reference.description }
            guard index.manifests.count < count else {
                throw OCIError.imageNotFound(reference.familiar, store: path.string)
            }
        }
    }

    /// Names what is in the store already; the index is written once for all names. The last of equal names counts.
    func name(_ named: [(descriptor: Descriptor, reference: Reference)]) throws {
        var places: [String: Int] = [:]
        var entries: [Descriptor] = []
        for (descriptor, reference) in named {
            var entry = descriptor
            entry[annotation: Self.reference] = reference.description
            entry[annotation: LayoutExport.containerdKey] = nil
            if let place = places.updateValue(entries.count, forKey: reference.description) {
                places[reference.description] = place
                entries[place] = entry
            } else {
                entries.append(entry)
            }
        }
        try editIndex { index in
            let kept = index.manifests.filter { entry in
                entry[annotation: Self.reference].map { places[$0] == nil } ?? true
            }
            index.manifests = kept + entries
        }
    }

    private func editIndex(_ edit: (inout Index) throws -> Void) throws {
        let lock = try Lock(path.appending("thaw/index.lock"), .exclusive)
        var index = try index()
        try edit(&index)
        try root.replace("index.json", with: index.bytes)
        try lock.release()
    }
}

/// A blob of a layout's directory, verified as it is read.
func openBlob(_ blob: Descriptor, in root: Directory) throws -> any ByteSource {
    let path = Store.path(of: blob.digest)
    guard try root.exists(path) else { throw OCIError.blobMissing(blob.digest) }
    return VerifyingSource(FileSource(try root.open(path)), digest: blob.digest, size: blob.size)
}

/// The manifest for `platform` that a descriptor leads to, through at most eight indexes.
func resolve(
    _ descriptor: Descriptor, for platform: Platform, name: String, in source: any BlobSource
) throws -> Descriptor {
    var current = descriptor
    for _ in 0..<8 where current.mediaType.isIndex {
        let index = try Index(parsing: source.read(current), what: "index \(current.digest)")
        guard let chosen = index.manifest(for: platform) else {
            throw OCIError.noPlatform(
                platform.description, reference: name,
                available: index.manifests.compactMap { $0.platform?.description })
        }
        current = chosen
    }
    return current
}

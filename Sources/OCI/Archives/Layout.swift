internal import Linux
public import SystemPackage

/// An OCI image layout in a directory, somebody else's or one to hand on (OCI image spec, image layout).
public struct Layout: BlobSource {
    private let root: Directory
    private let path: FilePath
    private static let reference = "org.opencontainers.image.ref.name"

    /// Opens the layout in the directory `path`, which must have an `index.json`.
    public init(at path: FilePath) throws {
        self.path = path
        root = try Directory(path)
        _ = try index()
    }

    public func open(_ blob: Descriptor) throws -> any ByteSource {
        try openBlob(blob, in: root)
    }

    /// The images in it, with their names where they have one.
    public func images() throws -> [(name: String?, descriptor: Descriptor)] {
        try index().manifests.map { ($0[annotation: Self.reference], $0) }
    }

    /// The image named `tag`, or the only one where `tag` is nil.
    public func image(tag: String?, for platform: Platform = .host) throws -> Image {
        let all = try images()
        let found = tag == nil && all.count == 1 ? all.first : all.first { $0.name == tag }
        guard let found else { throw OCIError.imageNotFound(tag ?? "(no tag given)", store: path.string) }
        return try Image(manifest: resolve(found.descriptor, for: platform, name: path.string, in: self), in: self)
    }

    /// The image of that digest, which the layout's index must name.
    public func image(_ digest: Digest, for platform: Platform = .host) throws -> Image {
        guard let found = try images().first(where: { $0.descriptor.digest == digest }) else {
            throw OCIError.imageNotFound("\(digest)", store: path.string)
        }
        return try Image(manifest: resolve(found.descriptor, for: platform, name: path.string, in: self), in: self)
    }

    /// Writes `image` as the layout in `path`, under `tag`, beside what is there.
    public static func write(_ image: Image, to path: FilePath, tag: String) throws {
        let store = try LayoutWriter(path)
        for layer in image.layers { try store.put(image.source.open(layer.descriptor), layer.descriptor) }
        try store.put(MemorySource(image.configBytes), image.manifest.config)
        try store.put(MemorySource(image.manifestBytes), image.descriptor)
        var entry = image.descriptor
        entry[annotation: reference] = tag
        entry.platform = image.config.platform
        try store.add(entry, tag: tag, annotation: reference)
    }

    private func index() throws -> Index {
        try Index(parsing: root.contents(of: "index.json", limit: 64 << 20), what: "\(path)/index.json")
    }
}

/// Puts blobs into a layout directory, each whole or not at all.
private struct LayoutWriter {
    private let root: Directory

    init(_ path: FilePath) throws {
        root = try Directory.make(path, mode: 0o755)
        try root.makeDirectories("blobs/sha256")
        try root.replace("oci-layout", with: Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
    }

    func put(_ source: any ByteSource, _ descriptor: Descriptor) throws {
        let path = Store.path(of: descriptor.digest)
        if try root.exists(path), try root.status(of: path).size == descriptor.size { return }
        let verified = VerifyingSource(source, digest: descriptor.digest, size: descriptor.size)
        try root.replace(path) { file in
            while true {
                let chunk = try verified.next()
                if chunk.isEmpty { return }
                try file.write(chunk)
            }
        }
    }

    func add(_ entry: Descriptor, tag: String, annotation: String) throws {
        var index = Index()
        if try root.exists("index.json") {
            index = try Index(parsing: root.contents(of: "index.json", limit: 64 << 20), what: "index.json")
        }
        index.manifests.removeAll { $0[annotation: annotation] == tag }
        index.manifests.append(entry)
        try root.replace("index.json", with: index.bytes)
    }
}

internal import Glibc
internal import Linux
public import SystemPackage

/// An export of images as an OCI layout, in a directory or a tar, and in the form that `docker load` reads.
///
/// ```
/// blobs/sha256/HEX   index.json   oci-layout        OCI image layout 1.0
/// manifest.json                                     docker save: [{ Config, RepoTags, Layers }]
/// ```
/// The same images give the same bytes: blobs are sorted by digest, and no entry has a time or an owner.
public struct LayoutExport: Sendable {
    /// The name of an image in a layout.
    public enum Name: Sendable, Hashable {
        /// A full name; other programs find the image by its tag or by all of it.
        case reference(Reference)
        /// Any text, as in `oci:DIR:TAG`.
        case tag(String)
    }

    static let referenceKey = "org.opencontainers.image.ref.name"
    static let containerdKey = "io.containerd.image.name"
    static let layout = Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8)

    private let items: [(set: ImageSet, names: [Name])]
    private let isDocker: Bool

    /// Makes the layout of these images; with `docker` also the documents of `docker save`.
    public init(_ items: [(set: ImageSet, names: [Name])], docker: Bool = false) {
        self.items = items
        isDocker = docker
    }

    /// Writes a tar.
    public func write(to sink: any ByteSink) throws {
        let tar = TarWriter(sink)
        func add(_ path: String, _ change: LayerEntry.Change) throws {
            let mode: UInt16 = change == .add(.directory) ? 0o755 : 0o644
            try tar.add(LayerEntry(ImagePath(path), change, FileMetadata(mode: mode)))
        }
        try add("blobs", .add(.directory))
        try add("blobs/sha256", .add(.directory))
        for (blob, source) in try blobs() {
            try add("blobs/sha256/\(blob.digest.hex)", .add(.file(size: blob.size)))
            try source.open(blob).copy { try tar.write($0) }
        }
        for (path, bytes) in try documents() {
            try add(path, .add(.file(size: Int64(bytes.count))))
            try tar.write(bytes[...])
        }
        try tar.finish()
    }

    /// Writes into a directory and keeps the other images there; replaces an image of the same name.
    public func write(to path: FilePath) throws {
        let root = try Directory.make(path, mode: 0o755)
        try root.makeDirectories("blobs/sha256")
        for (blob, source) in try blobs() { try put(blob, from: source, into: root) }
        // Two writers of one layout must not lose each other's images.
        try system("lock", path) { flock(root.descriptor.rawValue, LOCK_EX) }
        var index = Index()
        if try root.exists("index.json") {
            index = try Index(parsing: root.contents(of: "index.json", limit: 64 << 20), what: "\(path)/index.json")
        }
        let new = try entries()
        let places = Set(new.map(\.place))
        index.manifests.removeAll { places.contains($0.place) }
        index.manifests += new
        try root.replace("oci-layout", with: Self.layout)
        try root.replace("index.json", with: index.bytes)
        try system("unlock", path) { flock(root.descriptor.rawValue, LOCK_UN) }
    }

    private func put(_ blob: Descriptor, from source: any BlobSource, into root: Directory) throws {
        let path = Store.path(of: blob.digest)
        if try root.exists(path), try root.status(of: path).size == blob.size { return }
        try root.replace(path) { file in
            try source.open(blob).copy { try unsafe file.write($0.span.bytes) }
        }
    }

    private func blobs() throws -> [(Descriptor, any BlobSource)] {
        var blobs: [Digest: (Descriptor, any BlobSource)] = [:]
        for item in items {
            for blob in try item.set.blobs() { blobs[blob.digest] = (blob, item.set.source) }
        }
        return blobs.values.sorted { $0.0.digest < $1.0.digest }
    }

    /// Returns the documents besides the blobs, by path.
    private func documents() throws -> [(path: String, bytes: [UInt8])] {
        var documents = [("index.json", Index(manifests: try entries()).bytes), ("oci-layout", Self.layout)]
        if isDocker { documents.insert(("manifest.json", try dockerManifest().bytes), at: 1) }
        return documents
    }

    /// Returns the entries of `index.json`: an image once for each of its names.
    private func entries() throws -> [Descriptor] {
        items.flatMap { item in
            if item.names.isEmpty { return [item.set.descriptor] }
            return item.names.map { name in
                var entry = item.set.descriptor
                switch name {
                case .tag(let tag): entry[annotation: Self.referenceKey] = tag
                case .reference(let reference):
                    entry[annotation: Self.containerdKey] = reference.description
                    entry[annotation: Self.referenceKey] = reference.tag ?? reference.digest?.description
                }
                return entry
            }
        }
    }

    /// Returns `manifest.json`, of several platforms only with this machine's, as `docker save` does.
    private func dockerManifest() throws -> JSON {
        .array(
            try items.map { item in
                let manifest = try item.set.preferredImage().manifest
                let tags = item.names.compactMap { name in
                    // Full names, as skopeo writes them: Podman takes one short name of several for its own.
                    if case .reference(let reference) = name { reference.description } else { nil }
                }
                return .object([
                    "Config": .string("blobs/sha256/\(manifest.config.digest.hex)"),
                    "RepoTags": tags.isEmpty ? .null : .strings(tags),
                    "Layers": .strings(manifest.layers.map { "blobs/sha256/\($0.digest.hex)" }),
                ])
            })
    }
}

extension Descriptor {
    /// The key of an entry in a layout's index: its names, or its digest if it has none.
    ///
    /// Of two entries with one key the new one remains.
    fileprivate var place: [String] {
        let names = [self[annotation: LayoutExport.containerdKey], self[annotation: LayoutExport.referenceKey]]
        return names == [nil, nil] ? [digest.description] : names.map { $0 ?? "" }
    }
}

extension ByteSource {
    /// Passes everything to `body`, chunk by chunk.
    func copy(to body: (ArraySlice<UInt8>) throws -> Void) throws {
        while true {
            let chunk = try next()
            if chunk.isEmpty { return }
            try body(chunk[...])
        }
    }
}

internal import Linux
public import SystemPackage

/// An OCI image layout in a directory, from another program or to pass on (OCI image spec, image layout).
public struct Layout: BlobSource {
    private let root: Directory
    private let path: FilePath

    /// Opens the layout in the directory `path`, which must have an `index.json`.
    public init(at path: FilePath) throws {
        self.path = path
        root = try Directory(path)
        _ = try index()
    }

    public func open(_ blob: Descriptor) throws -> any ByteSource {
        try openBlob(blob, in: root)
    }

    /// Returns the images in it, with their names if they have any.
    public func images() throws -> [ForeignImage] {
        try index().manifests.map { try ForeignImage($0, in: self) }
    }

    /// Returns the image or index named `tag`, or the only one if `tag` is nil.
    public func set(tag: String?) throws -> ImageSet {
        try ForeignImage.find(tag, in: images(), place: path.string).set
    }

    /// Returns the image named `tag`, or the only one if `tag` is nil.
    public func image(tag: String?, for platform: Platform = .host) throws -> Image {
        try set(tag: tag).image(for: platform, name: path.string)
    }

    /// Returns the image of a digest in the layout's index.
    public func image(_ digest: Digest, for platform: Platform = .host) throws -> Image {
        guard let found = try images().first(where: { $0.set.descriptor.digest == digest }) else {
            throw OCIError.imageNotFound("\(digest)", store: path.string)
        }
        return try found.set.image(for: platform, name: path.string)
    }

    /// Writes `set` to the layout in `path` under `tag`, and keeps the other images there.
    public static func write(_ set: ImageSet, to path: FilePath, tag: String) throws {
        try LayoutExport([(set, [.tag(tag)])]).write(to: path)
    }

    private func index() throws -> Index {
        try Index(parsing: root.contents(of: "index.json", limit: 64 << 20), what: "\(path)/index.json")
    }
}

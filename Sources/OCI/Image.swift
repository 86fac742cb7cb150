internal import Linux

/// A source of blobs.
public protocol BlobSource: Sendable {
    /// Opens a blob.
    ///
    /// The reader checks size and digest, and reports the end only if both match.
    /// - Throws: ``OCIError/blobMissing(_:)`` if there is no such blob.
    func open(_ blob: Descriptor) throws -> any ByteSource

    /// Opens the tar of a layer by its diff ID, verified as a blob is; nil if the source has only compressed forms.
    func openPlain(_ diffID: Digest) throws -> (any ByteSource)?
}

extension BlobSource {
    public func openPlain(_ diffID: Digest) throws -> (any ByteSource)? { nil }

    /// Reads a small blob, whole and verified; refuses documents over 4 MiB, as registries do.
    public func read(_ blob: Descriptor, limit: Int64 = Image.documentLimit) throws -> [UInt8] {
        guard blob.size <= limit else {
            throw OCIError.malformedDocument(
                blob.digest.description, reason: "\(blob.size) bytes exceed the limit of \(limit) bytes")
        }
        let source = try open(blob)
        var bytes: [UInt8] = []
        while true {
            let chunk = try source.next()
            if chunk.isEmpty { return bytes }
            bytes += chunk
        }
    }
}

extension BlobSource {
    /// Returns the image of a descriptor, through an index if it is one; errors contain `name`.
    public func image(_ descriptor: Descriptor, for platform: Platform, name: String) throws -> Image {
        try Image(manifest: resolve(descriptor, for: platform, name: name, in: self), in: self)
    }
}

/// One layer: a blob, and the digest of the tar in it.
public struct Layer: Sendable, Hashable {
    /// The blob's descriptor.
    public let descriptor: Descriptor
    /// The digest of its tar.
    public let diffID: Digest

    public init(descriptor: Descriptor, diffID: Digest) {
        self.descriptor = descriptor
        self.diffID = diffID
    }
}

/// An image: a manifest, a configuration and layers, and the source of their blobs.
///
/// It is a value: an edit returns a new one. The documents of an unedited image keep their bytes.
public struct Image: Sendable {
    /// The most bytes of a manifest, an index or a configuration.
    public static let documentLimit: Int64 = 4 << 20

    public let manifest: Manifest
    /// The manifest's bytes, which its digest belongs to.
    public let manifestBytes: [UInt8]
    public let config: ImageConfig
    /// The configuration's bytes.
    public let configBytes: [UInt8]
    /// The layers, lowest first.
    public let layers: [Layer]
    /// The source of the layers' blobs.
    public internal(set) var source: any BlobSource

    /// Reads an image whose manifest is `descriptor`.
    public init(manifest descriptor: Descriptor, in source: any BlobSource) throws {
        guard descriptor.mediaType.isManifest else {
            throw OCIError.unsupportedMediaType(descriptor.mediaType.description, of: descriptor.digest)
        }
        manifestBytes = try source.read(descriptor)
        manifest = try Manifest(parsing: manifestBytes, digest: descriptor.digest)
        if manifest.config.mediaType == .emptyJSON {
            let type = manifest.json["artifactType"]?.string ?? "unknown"
            throw OCIError.invalidImage("\(descriptor.digest) is an artifact of type '\(type)', not an image")
        }
        configBytes = try source.read(manifest.config)
        config = try ImageConfig(parsing: configBytes, digest: manifest.config.digest)
        let diffIDs = config.diffIDs
        guard diffIDs.count == manifest.layers.count else {
            throw OCIError.invalidImage(
                "its manifest has \(manifest.layers.count) layers, its configuration \(diffIDs.count)")
        }
        layers = zip(manifest.layers, diffIDs).map { Layer(descriptor: $0, diffID: $1) }
        self.source = source
    }

    /// Makes an image without files.
    public static func scratch(_ platform: Platform, in source: any BlobSource) -> Image {
        Image(config: ImageConfig(platform: platform), layers: [], annotations: [:], source: source)
    }

    private init(config: ImageConfig, layers: [Layer], annotations: [String: String], source: any BlobSource) {
        self.init(config: config, config.bytes, layers: layers, annotations: annotations, types: .oci, source: source)
    }

    private init(
        config: ImageConfig, _ configBytes: [UInt8], layers: [Layer], annotations: [String: String],
        types: MediaType.Family, source: any BlobSource
    ) {
        self.config = config
        self.configBytes = configBytes
        self.layers = layers
        let descriptor = Descriptor(
            mediaType: types == .oci ? .config : .dockerConfig, digest: Digest(of: configBytes),
            size: Int64(configBytes.count))
        manifest = Manifest(
            config: descriptor, layers: layers.map(\.descriptor), annotations: annotations, types: types)
        manifestBytes = manifest.bytes
        self.source = source
    }

    /// The manifest's descriptor, which identifies the image.
    public var descriptor: Descriptor {
        let type = manifest.json["mediaType"]?.string.map { MediaType($0) } ?? .manifest
        return Descriptor(mediaType: type, digest: Digest(of: manifestBytes), size: Int64(manifestBytes.count))
    }

    /// The bytes of all layers as they are stored and transferred.
    public var compressedSize: Int64 { layers.reduce(0) { $0 + $1.descriptor.size } }

    /// Returns this image with one more layer on top.
    public func appending(_ layer: Layer, history: History) -> Image {
        edited(layers: layers + [layer]) { $0.history.append(history) }
    }

    /// Returns this image with other layers and another history; the rest of the configuration is unchanged.
    public func replacingLayers(_ layers: [Layer], history: [History]) -> Image {
        edited(layers: layers) { $0.history = history }
    }

    /// Returns this image with other layers and another configuration.
    public func replacingLayers(_ layers: [Layer], config: ImageConfig) -> Image {
        edited(layers: layers) { $0 = config }
    }

    /// Returns this image with more annotations in its manifest, replacing those of the same name.
    public func annotated(_ annotations: [String: String]) -> Image {
        reannotated { $0.merge(annotations) { $1 } }
    }

    /// Returns this image with edited annotations in its manifest.
    func reannotated(_ edit: (inout [String: String]) -> Void) -> Image {
        var annotations = manifest.annotations
        edit(&annotations)
        if annotations == manifest.annotations { return self }
        return Image(config: config, configBytes, layers: layers, annotations: annotations, types: .oci, source: source)
    }

    /// Returns this image with other blobs for the same layers, and with the media types of `types`.
    ///
    /// It is the same image if nothing changes. Docker's manifests have no annotations.
    /// - Throws: ``OCIError/unsupportedMediaType(_:of:)`` for a layer that `types` has no media type for.
    func retyped(_ layers: [Layer], _ types: MediaType.Family) throws(OCIError) -> Image {
        var renamed: [Layer] = []
        for layer in layers {
            let (old, digest) = (layer.descriptor.mediaType, layer.descriptor.digest)
            guard let compression = old.layerCompression, types == .oci || compression != .zstd else {
                throw .unsupportedMediaType(old.description, of: digest)
            }
            let type = MediaType.layer(compression, types)
            if type == old {
                renamed.append(layer)
            } else {
                let blob = Descriptor(mediaType: type, digest: digest, size: layer.descriptor.size)
                renamed.append(Layer(descriptor: blob, diffID: layer.diffID))
            }
        }
        let isSame = renamed == self.layers && descriptor.mediaType == (types == .oci ? .manifest : .dockerManifest)
        if isSame { return self }
        return Image(
            config: config, configBytes, layers: renamed, annotations: types == .oci ? manifest.annotations : [:],
            types: types, source: source)
    }

    /// Returns this image with an edited configuration.
    public func configured(_ edit: (inout ImageConfig) throws -> Void) rethrows -> Image {
        try edited(layers: layers, edit)
    }

    private func edited(layers: [Layer], _ edit: (inout ImageConfig) throws -> Void) rethrows -> Image {
        var config = config
        try edit(&config)
        config.diffIDs = layers.map(\.diffID)
        return Image(config: config, layers: layers, annotations: manifest.annotations, source: source)
    }
}

extension Image {
    /// Opens a layer's tar, decompressed; reports its end only if the diff ID matches too.
    ///
    /// Reading and verifying the blob, decompressing it, and processing the tar run concurrently, on a thread each.
    /// If the source has the plain tar too, that is read.
    public func openTar(_ layer: Layer) throws -> any ByteSource { try openTar(layer, recording: nil) }

    private func openTar(_ layer: Layer, recording map: CompressionMap?) throws -> any ByteSource {
        guard let layers = source as? PlainLayers else { return try inflate(layer, map) }
        return try layers.open(layer, isRecorded: map != nil) { try inflate(layer, map) }
    }

    private func inflate(_ layer: Layer, _ map: CompressionMap?) throws -> any ByteSource {
        let descriptor = layer.descriptor
        guard let compression = descriptor.mediaType.layerCompression else {
            throw OCIError.unsupportedMediaType(descriptor.mediaType.description, of: descriptor.digest)
        }
        if map == nil {
            if compression == .uncompressed, descriptor.digest == layer.diffID {
                return ReadAheadSource(try source.open(descriptor))
            }
            if let plain = try source.openPlain(layer.diffID) { return ReadAheadSource(plain) }
        }
        let packed = ReadAheadSource(try source.open(descriptor))
        let inflated = try decompressing(packed, compression, name: "layer \(descriptor.digest)")
        let plain = ReadAheadSource(map.map { RecordingSource(inflated, to: $0) } ?? inflated)
        return VerifyingSource(plain, digest: layer.diffID, size: nil)
    }

    /// Opens a layer for reading entry by entry.
    ///
    /// - Parameter map: Receives the places of the tar's bytes in the blob, if the blob is decompressed.
    public func open(_ layer: Layer, recording map: CompressionMap? = nil) throws -> TarReader {
        TarReader(try openTar(layer, recording: map), layer: layer.descriptor.digest.short)
    }

    /// Returns the layers' tree, read from their headers; with `contents`, every file's SHA-256 too.
    ///
    /// Reads every layer once, `width` at a time.
    public func tree(contents: Bool = false, width: Int = 2) async throws -> FileTree {
        let lists = try await Offload.map(layers, width: width) { try entries(of: $0, contents: contents) }
        var tree = FileTree()
        for (index, list) in lists.enumerated() {
            try tree.apply(list, layer: index, name: layers[index].descriptor.digest.short)
        }
        return tree
    }

    private func entries(of layer: Layer, contents: Bool) throws -> [(entry: LayerEntry, content: Digest?)] {
        let reader = try open(layer)
        var list: [(entry: LayerEntry, content: Digest?)] = []
        while let entry = try reader.next() {
            guard contents, case .add(.file) = entry.change else {
                list.append((entry, nil))
                continue
            }
            var hasher = Digest.Hasher()
            try reader.readContent { hasher.update($0) }
            list.append((entry, hasher.finalize()))
        }
        return list
    }

    /// Passes the contents of files to `body`, in the layers' order, in one pass over every layer that has any.
    ///
    /// `body` may read any part of a content. A layer is read up to its last such file. With `verifying` it is read to
    /// its end, where its diff ID is checked; that is necessary if the contents are stored.
    public func readContents(
        of inodes: some Sequence<FileTree.InodeID>, in tree: FileTree, verifying: Bool = false,
        _ body: (FileTree.InodeID, TarReader) throws -> Void
    ) throws {
        var wanted = [[Int: FileTree.InodeID]](repeating: [:], count: layers.count)
        for id in inodes where tree.inodes[id].ordinal >= 0 {
            wanted[tree.inodes[id].layer][tree.inodes[id].ordinal] = id
        }
        for (index, layer) in layers.enumerated() where !wanted[index].isEmpty {
            let reader = try open(layer)
            var ordinal = 0
            var left = wanted[index].count
            while left > 0 || verifying, let entry = try reader.next() {
                if let id = wanted[index][ordinal] {
                    // A layer with another content than its diff ID is not the one whose headers made the tree.
                    guard case .add(tree.inodes[id].kind) = entry.change else {
                        throw OCIError.invalidImage("layer \(layer.descriptor.digest) does not match its diff ID")
                    }
                    try body(id, reader)
                    left -= 1
                }
                ordinal += 1
            }
        }
    }
}

extension Image {
    /// Returns a small file's content, with links followed inside the root; nil if there is no such file.
    ///
    /// Reads the file's layer up to the file, or with `verifying` to its end, where its diff ID is checked. Refuses files
    /// over 16 MiB.
    public func contents(of path: String, in tree: FileTree, verifying: Bool = false) throws -> [UInt8]? {
        guard let path = try? ImagePath(path), let found = tree.resolve(path) else { return nil }
        let inode = tree.inode(of: found.node)
        guard inode.kind.isFile, inode.kind.size <= 16 << 20 else { return nil }
        var bytes: [UInt8] = []
        try readContents(of: [tree[node: found.node].inode], in: tree, verifying: verifying) { _, reader in
            try reader.readContent { bytes += $0 }
        }
        return bytes
    }
}

/// A source that reports its end only if size and digest match.
public final class VerifyingSource: ByteSource {
    private let source: any ByteSource
    private let digest: Digest
    private let size: Int64?
    private var hasher = Digest.Hasher()
    private var count: Int64 = 0

    /// Verifies the bytes of `source`; only their digest if `size` is nil.
    public init(_ source: any ByteSource, digest: Digest, size: Int64?) {
        self.source = source
        self.digest = digest
        self.size = size
    }

    public func next() throws -> [UInt8] {
        let chunk = try source.next()
        count += Int64(chunk.count)
        if let size, count > size || (chunk.isEmpty && count < size) {
            throw OCIError.blobSize(digest, expected: size, found: count)
        }
        if chunk.isEmpty {
            let found = hasher.finalize()
            guard found == digest else { throw OCIError.blobMismatch(digest, found: found) }
        }
        hasher.update(chunk)
        return chunk
    }
}

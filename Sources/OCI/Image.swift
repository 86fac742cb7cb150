internal import Linux

/// A place that has blobs.
public protocol BlobSource: Sendable {
    /// Opens a blob.
    ///
    /// The reader checks size and digest, and reports the end only when both held.
    /// - Throws: ``OCIError/blobMissing(_:)`` where there is no such blob.
    func open(_ blob: Descriptor) throws -> any ByteSource
}

extension BlobSource {
    /// A small blob, whole and verified. Documents over 4 MiB are refused, as registries do.
    public func read(_ blob: Descriptor, limit: Int64 = 4 << 20) throws -> [UInt8] {
        guard blob.size <= limit else {
            throw OCIError.malformedDocument(
                blob.digest.description, reason: "\(blob.size) bytes are too many for a document")
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
    /// The image that a descriptor leads to, through an index where it is one; `name` is for errors.
    public func image(_ descriptor: Descriptor, for platform: Platform, name: String) throws -> Image {
        try Image(manifest: resolve(descriptor, for: platform, name: name, in: self), in: self)
    }
}

/// One layer: a blob, and the digest of the tar in it.
public struct Layer: Sendable, Hashable {
    /// The blob.
    public let descriptor: Descriptor
    /// The digest of its tar.
    public let diffID: Digest

    /// A layer of known parts.
    public init(descriptor: Descriptor, diffID: Digest) {
        self.descriptor = descriptor
        self.diffID = diffID
    }
}

/// An image: a manifest, a configuration and layers, and the place where their blobs are.
///
/// A value. An edit gives a new one; the documents of an unedited one keep the bytes they came with.
public struct Image: Sendable {
    /// The manifest.
    public let manifest: Manifest
    /// Its bytes; what its digest is of.
    public let manifestBytes: [UInt8]
    /// The configuration.
    public let config: ImageConfig
    /// Its bytes.
    public let configBytes: [UInt8]
    /// The layers, lowest first.
    public let layers: [Layer]
    /// Where the layers' blobs are.
    public let source: any BlobSource

    /// Reads an image whose manifest is `descriptor`.
    public init(manifest descriptor: Descriptor, in source: any BlobSource) throws {
        guard descriptor.mediaType.isManifest else {
            throw OCIError.unsupportedMediaType(descriptor.mediaType.description, of: descriptor.digest)
        }
        manifestBytes = try source.read(descriptor)
        manifest = try Manifest(parsing: manifestBytes, digest: descriptor.digest)
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

    /// An image with nothing in it.
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

    /// The manifest's descriptor: what the image is known by.
    public var descriptor: Descriptor {
        let type = manifest.json["mediaType"]?.string.map { MediaType($0) } ?? .manifest
        return Descriptor(mediaType: type, digest: Digest(of: manifestBytes), size: Int64(manifestBytes.count))
    }

    /// Bytes of all layers as they are stored and transferred.
    public var compressedSize: Int64 { layers.reduce(0) { $0 + $1.descriptor.size } }

    /// This image with one more layer on top.
    public func appending(_ layer: Layer, history: History) -> Image {
        edited(layers: layers + [layer]) { $0.history.append(history) }
    }

    /// This image with other layers and another history; the configuration stays as it is otherwise.
    public func replacingLayers(_ layers: [Layer], history: [History]) -> Image {
        edited(layers: layers) { $0.history = history }
    }

    /// This image with other layers and another configuration.
    public func replacingLayers(_ layers: [Layer], config: ImageConfig) -> Image {
        edited(layers: layers) { $0 = config }
    }

    /// This image with more annotations in its manifest, over those of the same name.
    public func annotated(_ annotations: [String: String]) -> Image {
        if annotations.isEmpty { return self }
        let all = manifest.annotations.merging(annotations) { $1 }
        return Image(config: config, configBytes, layers: layers, annotations: all, types: .oci, source: source)
    }

    /// This image with other blobs for the same layers, every document and layer under the names of `types`; itself
    /// where nothing changes. Docker's manifests have no annotations.
    ///
    /// - Throws: ``OCIError/unsupportedMediaType(_:of:)`` for a layer that `types` has no name for.
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

    /// This image with an edited configuration.
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
    /// Opens a layer's tar, decompressed; its end is reported only when the diff ID held too.
    ///
    /// Reading and checking the blob, decompressing it, and what is done with the tar go on at once, on a thread each.
    public func openTar(_ layer: Layer) throws -> any ByteSource {
        let descriptor = layer.descriptor
        guard let compression = descriptor.mediaType.layerCompression else {
            throw OCIError.unsupportedMediaType(descriptor.mediaType.description, of: descriptor.digest)
        }
        let packed = AheadSource(try source.open(descriptor))
        let plain = AheadSource(try decompressing(packed, compression, name: "layer \(descriptor.digest)"))
        return VerifyingSource(plain, digest: layer.diffID, size: nil)
    }

    /// Opens a layer for reading entry by entry.
    public func open(_ layer: Layer) throws -> TarReader {
        TarReader(try openTar(layer), layer: layer.descriptor.digest.short)
    }

    /// The layers' tree, read from their headers; with `contents`, every file's SHA-256 too.
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

    /// Gives the contents of files to `body`, in the order in which the layers hold them: one pass over every layer
    /// that has any of them.
    ///
    /// `body` may read as much of a content as it likes. A layer is read as far as its last such file; with `verifying`
    /// to its end, where its diff ID is checked: right wherever the contents go into something that is kept.
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
                    // A layer that lies about its diff ID is not the one whose headers made the tree.
                    guard case .add(tree.inodes[id].kind) = entry.change else {
                        throw OCIError.invalidImage("layer \(layer.descriptor.digest) is not what its diff ID says")
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
    /// A small file's content, links followed inside the root; nil where there is no such file.
    ///
    /// Reads the file's layer as far as the file. Files over 16 MiB are refused.
    public func contents(of path: String, in tree: FileTree) throws -> [UInt8]? {
        guard let path = try? ImagePath(path), let found = tree.resolve(path) else { return nil }
        let inode = tree.inode(of: found.node)
        guard inode.kind.isFile, inode.kind.size <= 16 << 20 else { return nil }
        var bytes: [UInt8] = []
        try readContents(of: [tree[node: found.node].inode], in: tree) { _, reader in
            try reader.readContent { bytes += $0 }
        }
        return bytes
    }
}

/// Passes bytes on and reports their end only when size and digest were as promised.
public final class VerifyingSource: ByteSource {
    private let source: any ByteSource
    private let digest: Digest
    private let size: Int64?
    private var hasher = Digest.Hasher()
    private var count: Int64 = 0

    /// Checks what `source` gives; where `size` is nil, the digest alone.
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

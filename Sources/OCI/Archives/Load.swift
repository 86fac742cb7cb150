internal import Linux
public import SystemPackage

extension Store {
    /// Reads an archive once from front to back, and stores every file as a blob.
    ///
    /// The next collection removes blobs that belong to no image, so the caller holds a lease.
    public func images(inArchive source: any ByteSource, name: String) throws -> [ForeignImage] {
        let reader = TarReader(try unpacking(source, name: name), layer: name)
        var files = ArchiveFiles<Descriptor>(name)
        while let entry = try reader.next() {
            try files.add(entry) {
                let blob = try ingest()
                try reader.readContent { try blob.write($0) }
                return try blob.commit(as: "application/octet-stream")
            }
        }
        return try images(of: files)
    }

    /// Returns the images of a layout, or else those of `docker save`'s own document.
    ///
    /// A layout is preferred since it keeps the image's manifest, but only if it is complete: some programs write an
    /// index of images that they left out.
    private func images(of files: ArchiveFiles<Descriptor>) throws -> [ForeignImage] {
        func document(_ path: String) throws -> JSON? {
            guard let file = files[path] else { return nil }
            return try JSON(parsing: read(file), what: "\(files.name): \(path)")
        }
        let docker = try document("manifest.json").map { try images(docker: $0, files) }
        guard files["index.json"] != nil else {
            if let docker { return docker }
            throw OCIError.unreadableArchive(files.name, reason: "it has neither index.json nor manifest.json")
        }
        let bytes = try files["index.json"].map { try read($0) } ?? []
        let index = try Index(parsing: bytes, what: "\(files.name): index.json")
        let listed = try index.manifests.map { try ForeignImage($0, in: self) }
        guard let docker else { return listed }
        let isWhole = try ForeignImage.areComplete(listed, name: files.name)
        let named = Set(listed.flatMap(\.names))
        return isWhole && !listed.isEmpty && named.isSuperset(of: docker.flatMap(\.names)) ? listed : docker
    }

    /// Reads `manifest.json` of docker save: a list of `{ Config, RepoTags, Layers }`.
    private func images(docker manifest: JSON, _ files: ArchiveFiles<Descriptor>) throws -> [ForeignImage] {
        // Many entries may have the same layers, or be the same image under other names.
        var known: [Digest: Descriptor] = [:]
        var images: [Digest: Descriptor] = [:]
        return try (manifest.array ?? []).map { entry in
            let configFile = try files.file(entry["Config"]?.string)
            let config = Descriptor(mediaType: .config, digest: configFile.digest, size: configFile.size)
            let layers = try (entry["Layers"]?.strings ?? []).map { path in
                let file = try files.file(path)
                let layer = try known[file.digest] ?? layer(file, name: "\(files.name): \(path)")
                known[file.digest] = layer
                return layer
            }
            let bytes = Manifest(config: config, layers: layers).bytes
            let digest = Digest(of: bytes)
            let descriptor = try images[digest] ?? image(put(bytes, as: .manifest))
            images[digest] = descriptor
            let names = try (entry["RepoTags"]?.strings ?? []).map { try Reference($0) }
            return ForeignImage(names: names, set: ImageSet(descriptor, in: self))
        }
    }

    /// Returns the descriptor of an image's manifest with the platform of its configuration.
    private func image(_ manifest: Descriptor) throws -> Descriptor {
        var descriptor = manifest
        descriptor.platform = try Image(manifest: manifest, in: self).config.platform
        return descriptor
    }

    /// Returns a layer's blob under its media type; compresses it again if it was bzip2 or xz.
    private func layer(_ blob: Descriptor, name: String) throws -> Descriptor {
        let start = try open(blob).next()
        if FilteredSource.fits(start) {
            return try LayerWriter(into: self).copy(tar: FilteredSource(open(blob), name: name)).descriptor
        }
        return Descriptor(mediaType: .layer(Compression(sniffing: start)), digest: blob.digest, size: blob.size)
    }

    private func unpacking(_ source: any ByteSource, name: String) throws -> any ByteSource {
        let start = try source.next()
        let whole = PrefixedSource(start, source)
        if FilteredSource.fits(start) { return try FilteredSource(whole, name: name) }
        return try decompressing(whole, Compression(sniffing: start), name: name)
    }
}

extension Compression {
    /// Detects the compression by the first bytes of a file.
    public init(sniffing bytes: [UInt8]) {
        if bytes.starts(with: [0x1f, 0x8b]) {
            self = .gzip
        } else if bytes.starts(with: [0x28, 0xb5, 0x2f, 0xfd]) {
            self = .zstd
        } else {
            self = .uncompressed
        }
    }
}

/// A source whose first chunk was read in advance.
private final class PrefixedSource: ByteSource {
    private var first: [UInt8]?
    private let rest: any ByteSource

    init(_ first: [UInt8], _ rest: any ByteSource) {
        self.first = first
        self.rest = rest
    }

    func next() throws -> [UInt8] {
        if let first {
            self.first = nil
            return first
        }
        return try rest.next()
    }
}

extension Store {
    /// Makes an image of a root file system's tar, plain or compressed.
    public func importRootfs(
        _ path: FilePath, platform: Platform, created: String?, comment: String?,
        _ configure: (inout ImageConfig) throws -> Void
    ) throws -> Image {
        let source = try unpacking(FileSource(OwnedDescriptor(path)), name: path.string)
        let layer = try LayerWriter(into: self).copy(tar: source)
        let history = History(
            created: created, createdBy: "thaw import \(path.lastComponent?.string ?? "")", comment: comment)
        let image = Image.scratch(platform, in: self).appending(layer, history: history)
        // An archive that is no tar must not become an image.
        _ = try entries(of: layer, in: image)
        return try image.configured {
            $0.created = created
            try configure(&$0)
        }
    }
}

internal import Linux
public import SystemPackage

extension Store {
    /// Takes in every named image of a layout directory, or of an archive: an OCI layout in a tar, or what `docker save`
    /// writes, each also compressed.
    ///
    /// - Returns: The names, in the order of the archive.
    public func load(_ path: FilePath) throws -> [Reference] {
        var isDirectory = false
        if let status = try? OwnedDescriptor(path, [.read]).status() { isDirectory = status.type == .directory }
        if isDirectory { return try load(Layout(at: path)) }
        let file = FileSource(try OwnedDescriptor(path))
        return try load(archive: file, name: path.string)
    }

    private func load(_ layout: Layout) throws -> [Reference] {
        var names: [Reference] = []
        for case (let name?, let descriptor) in try layout.images() {
            let reference = try Reference(name)
            let manifest = try resolve(descriptor, for: descriptor.platform ?? .host, name: name, in: layout)
            try publish(Image(manifest: manifest, in: layout), as: reference)
            names.append(reference)
        }
        return names
    }

    /// Reads an archive once from front to back; every file goes straight into the store as a blob, and what turns out
    /// to belong to no image goes with the next collection.
    private func load(archive source: any ByteSource, name: String) throws -> [Reference] {
        let lease = try lease()
        let reader = TarReader(try unpacking(source, name: name), layer: name)
        var files: [ImagePath: Descriptor] = [:]
        while let entry = try reader.next() {
            switch entry.change {
            case .add(.file):
                let blob = try ingest()
                try reader.readContent { try blob.write($0) }
                files[entry.path] = try blob.commit(as: "application/octet-stream")
            case .add(.symlink(let target)):
                // Old versions of docker save link equal layers.
                let path = try? ImagePath(entry: Self.joined(entry.path.parent, target))
                if let path, let file = files[path] { files[entry.path] = file }
            case .link(let target): files[entry.path] = files[target]
            default: continue
            }
        }
        let names = try publish(archive: files, name: name)
        try lease.release()
        return names
    }

    private func publish(archive files: [ImagePath: Descriptor], name: String) throws -> [Reference] {
        func document(_ path: String) throws -> [UInt8]? {
            guard let path = try? ImagePath(path), let file = files[path] else { return nil }
            return try read(file)
        }
        if let bytes = try document("manifest.json") {
            return try publish(docker: JSON(parsing: bytes, what: "\(name): manifest.json"), files, name: name)
        }
        guard let bytes = try document("index.json") else {
            throw OCIError.unreadableArchive(name, reason: "it has neither index.json nor manifest.json")
        }
        var names: [Reference] = []
        for entry in try Index(parsing: bytes, what: "\(name): index.json").manifests {
            guard let text = entry[annotation: "org.opencontainers.image.ref.name"] else { continue }
            let reference = try Reference(text)
            try publish(image(entry, for: entry.platform ?? .host, name: text), as: reference)
            names.append(reference)
        }
        return names
    }

    /// `manifest.json` of docker save: a list of `{ Config, RepoTags, Layers }`.
    private func publish(docker manifest: JSON, _ files: [ImagePath: Descriptor], name: String) throws -> [Reference] {
        var names: [Reference] = []
        for entry in manifest.array ?? [] {
            let configFile = try file(entry["Config"]?.string, files, name: name)
            let config = Descriptor(mediaType: .dockerConfig, digest: configFile.digest, size: configFile.size)
            let layers = try (entry["Layers"]?.strings ?? []).map { path in
                let blob = try file(path, files, name: name)
                return Descriptor(mediaType: try layerType(of: blob), digest: blob.digest, size: blob.size)
            }
            let bytes = Manifest(config: config, layers: layers).bytes
            let image = try Image(manifest: put(bytes, as: .manifest), in: self)
            for tag in entry["RepoTags"]?.strings ?? [] {
                let reference = try Reference(tag)
                try publish(image, as: reference)
                names.append(reference)
            }
        }
        return names
    }

    private func file(_ path: String?, _ files: [ImagePath: Descriptor], name: String) throws -> Descriptor {
        guard let path, let place = try? ImagePath(path), let file = files[place] else {
            throw OCIError.unreadableArchive(name, reason: "its manifest names '\(path ?? "")', which is not in it")
        }
        return file
    }

    private func layerType(of blob: Descriptor) throws -> MediaType {
        let start = try open(blob).next()
        return .layer(Compression(sniffing: start))
    }

    private static func joined(_ directory: ImagePath, _ target: [UInt8]) -> [UInt8] {
        // docker save writes ../ID/layer.tar from one directory below the root.
        target.starts(with: "../".utf8) ? Array(target.dropFirst(3)) : directory.bytes + [UInt8(ascii: "/")] + target
    }

    private func unpacking(_ source: any ByteSource, name: String) throws -> any ByteSource {
        let start = try source.next()
        return try decompressing(PrefixedSource(start, source), Compression(sniffing: start), name: name)
    }
}

extension Compression {
    /// What the first bytes of a file say.
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

/// A source whose first chunk was looked at already.
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

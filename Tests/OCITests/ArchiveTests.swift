import Linux
import Support
import SystemPackage
import Testing

@testable import OCI

/// Layouts and archives of other programs.
@Suite("Archives")
struct ArchiveTests {
    private static func tar(_ files: [(String, [UInt8])]) throws -> [UInt8] {
        let sink = MemorySink()
        let writer = TarWriter(sink)
        for (path, bytes) in files {
            try writer.add(
                LayerEntry(ImagePath(path), .add(.file(size: Int64(bytes.count))), FileMetadata(mode: 0o644)))
            try writer.write(bytes[...])
        }
        try writer.finish()
        return sink.bytes
    }

    /// A tar with the file `a`, which contains hello, compressed with xz and bzip2 by Python.
    private static let packed = [
        "xz": Base64.decoded(
            Array(
                ("/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4Af/ADxdADCAM1AYaImDAdzibiEFVzU4Vk1W9rSwM83Wz0VSQoUM3XZNrk+sxg5y"
                    + "1MoVuGiGfxgheI4iUsSNdt7xAAAWbsr1e9Y7gAABWIAQAAAASrl3wrHEZ/sCAAAAAARZWg==").utf8)) ?? [],
        "bzip2": Base64.decoded(
            Array(
                ("QlpoOTFBWSZTWa+/R/EAACrbgMmAQABvAAAA4kSeAAgIIABURAAAGT1BJFMjTCeoAYzOPkSEFer0MW10KMk4NdxOwiHRtlDV"
                    + "eGvIk6DQjAE1K+LuSKcKEhX36P4g").utf8)) ?? [],
    ]
    private static let packedDiffID = "sha256:347c99088d8d853228752c17e60aff06e24d6a8cec9d38adb61d5c9468d85879"

    /// Returns the files of a `docker save` of the oldest form, with this layer.
    private static func legacy(_ layer: [UInt8], diffID: Digest) throws -> [(String, [UInt8])] {
        var config = ImageConfig(platform: .host)
        config.diffIDs = [diffID]
        let manifest = JSON.array([
            .object([
                "Config": .string("config.json"), "RepoTags": .strings(["old:1"]), "Layers": .strings(["1/layer.tar"]),
            ])
        ])
        return [("config.json", config.bytes), ("1/layer.tar", layer), ("manifest.json", manifest.bytes)]
    }

    @Test(
        "A layer in xz or bzip2 is loaded, in a compression that images may have",
        arguments: ["xz", "bzip2"])
    func foreignCompression(tool: String) async throws {
        let space = try Workspace()
        let packed = try #require(Self.packed[tool])
        let archive = try Self.tar(Self.legacy(packed, diffID: Digest(Self.packedDiffID)))
        #expect(try space.store.load(archive: MemorySource(archive), name: "test").map(\.familiar) == ["old:1"])
        let image = try space.store.image(Reference("old:1"))
        #expect(image.layers[0].descriptor.mediaType == .layer(.gzip))
        #expect(try await image.validate().node(at: ImagePath("a")) != nil)
    }

    @Test("An index whose list of images is null, as Docker 25 writes it, has no image", arguments: [true, false])
    func nullIndex(isNamed: Bool) throws {
        let space = try Workspace()
        var files = try Self.legacy(Self.tar([]), diffID: Digest(of: Self.tar([])))
        files.append(("index.json", Array(#"{"schemaVersion":2,"manifests":null}"#.utf8)))
        if !isNamed {
            let text = String(decoding: files[2].1, as: UTF8.self).replacing("[\"old:1\"]", with: "null")
            files[2].1 = Array(text.utf8)
        }
        let images = try space.store.images(inArchive: MemorySource(Self.tar(files)), name: "test")
        #expect(images.map { $0.names.map(\.familiar) } == [isNamed ? ["old:1"] : []])
        try Directory(space.path).replace("x.tar", with: Self.tar(files))
        #expect(try space.store.images(at: space.path.appending("x.tar")).count == 1)
    }

    @Test("A truncated or damaged xz layer is an error", arguments: [20, 60])
    func damaged(count: Int) throws {
        let space = try Workspace()
        let packed = Array(try #require(Self.packed["xz"]).prefix(count))
        let archive = try Self.tar(Self.legacy(packed, diffID: Digest(of: [])))
        #expect(throws: OCIError.self) { try space.store.load(archive: MemorySource(archive), name: "test") }
        #expect(try space.store.images().isEmpty)
    }

    @Test("An archive with two files of one name is refused")
    func duplicates() throws {
        let space = try Workspace()
        let files = try Self.legacy(Self.tar([]), diffID: Digest(of: Self.tar([])))
        let archive = try Self.tar(files + [files[1]])
        #expect { try space.store.load(archive: MemorySource(archive), name: "x.tar") } throws: {
            "\($0)" == "cannot read archive 'x.tar': it has two files of the name '/1/layer.tar'"
        }
        #expect(try space.store.images().isEmpty)
    }

    /// The annotations of a layout's entry, and the names that the image gets.
    static let names: [([String: String], [String])] = [
        (["org.opencontainers.image.ref.name": "docker.io/library/app:1"], ["app:1"]),
        (["org.opencontainers.image.ref.name": "app:1"], ["app:1"]),
        (["org.opencontainers.image.ref.name": "1", "io.containerd.image.name": "docker.io/library/app:1"], ["app:1"]),
        (["org.opencontainers.image.ref.name": "h.example/app"], ["h.example/app:latest"]),
    ]

    @Test("A layout's image gets its full name, never its tag alone", arguments: names)
    func layoutNames(annotations: [String: String], names: [String]) throws {
        let space = try Workspace()
        #expect(try Self.load(annotations, space) == names)
    }

    @Test("An image with only a tag is an error with that tag", arguments: ["latest", "1.0", "bookworm-slim"])
    func onlyTag(tag: String) throws {
        let space = try Workspace()
        #expect(throws: OCIError.unnamedImage("\(space.path)/layout", tag: tag)) {
            try Self.load(["org.opencontainers.image.ref.name": tag], space)
        }
        #expect(try Layout(at: space.path.appending("layout")).image(tag: tag).layers.count == 1)
    }

    private static func load(_ annotations: [String: String], _ space: Workspace) throws -> [String] {
        var set = ImageSet(try space.image([[try file("a", "1")]]))
        for (key, value) in annotations { set.descriptor[annotation: key] = value }
        let path = space.path.appending("layout")
        try LayoutExport([(set, [])]).write(to: path)
        return try Store(at: space.path.appending("other")).load(path).map(\.familiar)
    }

    @Test("A save of one platform of an index gives that platform's image")
    func sparse() throws {
        let space = try Workspace()
        let image = try space.image([[try file("a", "1")]])
        var here = image.descriptor
        here.platform = .host
        var absent = Descriptor(mediaType: .manifest, digest: Digest(of: [1]), size: 1)
        absent.platform = try Platform("linux/s390x")
        let index = Index(manifests: [absent, here])
        var entry = Descriptor(mediaType: .index, digest: Digest(of: index.bytes), size: Int64(index.bytes.count))
        entry[annotation: "io.containerd.image.name"] = "docker.io/library/app:1"
        var files = [("index.json", Index(manifests: [entry]).bytes)]
        let layer = try space.store.read(image.layers[0].descriptor)
        for blob in [index.bytes, image.manifestBytes, image.configBytes, layer] {
            files.append(("blobs/sha256/\(Digest(of: blob).hex)", blob))
        }
        let other = try Store(at: space.path.appending("other"))
        #expect(try other.load(archive: MemorySource(Self.tar(files)), name: "test").map(\.familiar) == ["app:1"])
        #expect(try other.set(Reference("app:1")).descriptor.digest == image.descriptor.digest)
    }

    @Test("Indexes that are nested too deeply are refused")
    func nested() throws {
        let space = try Workspace()
        var descriptor = try space.store.publish(space.image([[try file("a", "1")]]), as: nil)
        for _ in 0..<20 { descriptor = try space.store.put(Index(manifests: [descriptor]).bytes, as: .index) }
        #expect(throws: OCIError.self) { try space.store.publish(ImageSet(descriptor, in: space.store), as: nil) }
    }

    @Test(
        "An attribute name with = survives a tar, also in libarchive", arguments: ["user.a=b", "user.=", "user.a"])
    func attributes(name: String) throws {
        let space = try Workspace()
        let value: [UInt8] = [0, 1, 250, 61, 10, 0]
        var (entry, content) = try file("f", "1")
        entry.metadata.xattrs = [name: value, "user.plain": [1]]
        let sink = MemorySink()
        let writer = TarWriter(sink)
        try writer.add(entry)
        try writer.write(content[...])
        try writer.finish()
        #expect(try TarReader(MemorySource(sink.bytes), layer: "test").next()?.metadata.xattrs == entry.metadata.xattrs)
        try Directory(space.path).replace("tar", with: sink.bytes)
        let foreign = try ForeignArchive(OwnedDescriptor(space.path.appending("tar")), name: "tar")
        #expect(try foreign.next()?.metadata.xattrs == entry.metadata.xattrs)
    }

    @Test("Base64 goes both ways for every length", arguments: 0...7)
    func base64(count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 83 + 190) }
        let text = Base64.encoded(bytes)
        #expect(Base64.decoded(text) == bytes)
        #expect(Base64.decoded(text + Array("==".utf8)) == bytes)
        #expect(Base64.decoded(Array("a*b".utf8)) == nil)
    }
}

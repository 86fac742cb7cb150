import Linux
import Support
import Synchronization
import SystemPackage
import Testing

@testable import OCI

/// Documents that refer to the same documents many times: each is read once.
@Suite("Graphs of indexes")
struct GraphTests {
    /// A source that counts the number of times that each blob is opened.
    private final class Counting: BlobSource {
        let source: any BlobSource
        private let opened = Mutex<[Digest: Int]>([:])

        init(_ source: any BlobSource) { self.source = source }

        var counts: [Digest: Int] { opened.withLock { $0 } }

        func open(_ blob: Descriptor) throws -> any ByteSource {
            opened.withLock { $0[blob.digest, default: 0] += 1 }
            return try source.open(blob)
        }
    }

    /// Makes an index over 12 equal indexes, each over the same 12, and so on: 12^7 paths lead to one image.
    private static func tower(in space: Workspace, levels: Int = 7) throws -> Descriptor {
        let image = try space.image([[try file("a", "1")]])
        var level = [try space.store.publish(image, as: nil)]
        for depth in 0..<levels {
            level = try (0..<12).map { number in
                let index = Index(manifests: level, annotations: ["place": "\(depth)/\(number)"])
                return try space.store.put(index.bytes, as: .index)
            }
        }
        return try space.store.put(Index(manifests: level).bytes, as: .index)
    }

    @Test("Each document below an index is read once, for its blobs, its manifests and the preferred image")
    func once() throws {
        let space = try Workspace()
        let top = try Self.tower(in: space)
        let source = Counting(space.store)
        let set = ImageSet(top, in: source)
        // 7 levels of 12 indexes, the top, one manifest, its configuration and its layer.
        #expect(try set.blobs().count == 7 * 12 + 4)
        #expect(source.counts.values.allSatisfy { $0 == 1 })
        #expect(source.counts.count == 7 * 12 + 2)
        #expect(try set.manifests().count == 1)
        #expect(try set.preferredImage().layers.count == 1)
        #expect(try set.images().count == 1)
        #expect(source.counts.values.max() ?? 0 <= 8)
    }

    @Test("Deeper than eight indexes is still refused")
    func depth() throws {
        let space = try Workspace()
        let top = try Self.tower(in: space, levels: 8)
        #expect(throws: OCIError.self) { try ImageSet(top, in: space.store).blobs() }
    }

    @Test("A store keeps such an index, validates it, counts it and collects none of it")
    func store() async throws {
        let space = try Workspace()
        let top = try Self.tower(in: space)
        let other = try Store(at: space.path.appending("other"))
        try other.publish(ImageSet(top, in: space.store), as: Reference("tower:1"))
        #expect(try await other.validate() == 1)
        #expect(try other.usage().images.count == 1)
        #expect(try other.collect().blobs == 0)
        #expect(try other.image(Reference("tower:1")).layers.count == 1)
    }

    @Test("An export reads each document once, not once for each path to it")
    func export() throws {
        let space = try Workspace()
        let set = ImageSet(try Self.tower(in: space), in: space.store)
        #expect(try space.store.exported(set).descriptor == set.descriptor)
    }

    @Test("A layout's archive with such an index is loaded")
    func archive() throws {
        let space = try Workspace()
        let set = ImageSet(try Self.tower(in: space), in: space.store)
        let sink = MemorySink()
        try LayoutExport([(set, [.reference(Reference("tower:1"))])]).write(to: sink)
        let other = try Store(at: space.path.appending("other"))
        #expect(try other.load(archive: MemorySource(sink.bytes), name: "x").map(\.familiar) == ["tower:1"])
    }

    /// Makes an archive of `docker save` in which each of `count` entries has the same image, once with its layers.
    private static func save(_ count: Int, in space: Workspace) throws -> (bytes: [UInt8], layer: Digest) {
        let image = try space.image([[try file("a", "1")]], compression: .uncompressed)
        let entries = (0..<count).map { number -> JSON in
            ["Config": "config.json", "RepoTags": [.string("many:\(number)"), "many:same"], "Layers": ["layer.tar"]]
        }
        let sink = MemorySink()
        let tar = TarWriter(sink)
        for (name, bytes) in [
            ("config.json", image.configBytes), ("layer.tar", try space.store.read(image.layers[0].descriptor)),
            ("manifest.json", JSON.array(entries).bytes),
        ] {
            try tar.add(file(name, bytes).0)
            try tar.write(bytes[...])
        }
        try tar.finish()
        return (sink.bytes, image.layers[0].diffID)
    }

    @Test("3,000 tags of one archive are all loaded, and the index has each once")
    func tags() throws {
        let space = try Workspace()
        let (bytes, _) = try Self.save(3000, in: space)
        let other = try Store(at: space.path.appending("other"))
        #expect(try other.load(archive: MemorySource(bytes), name: "x").count == 6000)
        #expect(try other.images().count == 3001)
        // After a second load, every name replaces its own entry.
        #expect(try other.load(archive: MemorySource(bytes), name: "x").count == 6000)
        #expect(try other.images().count == 3001)
        #expect(try other.index().manifests.count == 3001)
    }
}

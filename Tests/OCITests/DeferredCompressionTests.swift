import Linux
import Support
import SystemPackage
import Testing

@testable import OCI

/// Layers that stay plain in a store until an export compresses them.
@Suite("Deferred compression")
struct DeferredCompressionTests {
    private static let contents = [
        [try? file("a", "one\n"), try? file("d/b", String(repeating: "some text ", count: 9000))], [try? file("c", "")],
    ].map { $0.compactMap(\.self) }

    /// Makes an image of the same files, compressed at once or later.
    private static func image(_ space: Workspace, _ compression: OCI.Compression, isDeferred: Bool) throws -> Image {
        try contents.reduce(Image.scratch(.host, in: space.store)) { image, entries in
            var form = LayerForm()
            (form.compression, form.isDeferred) = (compression, isDeferred)
            let writer = try LayerWriter(into: space.store, form)
            for (entry, content) in entries {
                try writer.add(entry)
                try writer.write(content[...])
            }
            return image.appending(try writer.finish(), history: History(created: nil, createdBy: "test"))
        }
    }

    @Test("An export has the bytes of an image that was compressed at once", arguments: [OCI.Compression.gzip, .zstd])
    func same(compression: OCI.Compression) async throws {
        let space = try Workspace()
        let now = try Self.image(space, compression, isDeferred: false)
        let later = try Self.image(space, compression, isDeferred: true)
        #expect(later.layers.map(\.diffID) == now.layers.map(\.diffID))
        #expect(later.layers.map(\.descriptor.digest) == later.layers.map(\.diffID))
        #expect(later.layers.map(\.descriptor.mediaType) == [.layer(.uncompressed), .layer(.uncompressed)])
        let exported = try space.store.exported(later)
        #expect(exported.manifestBytes == now.manifestBytes)
        #expect(exported.configBytes == now.configBytes)
        try space.store.publish(later, as: Reference("later"))
        #expect(try space.store.root.directory("thaw/cache").entries().count == 2)
        try space.store.publish(exported, as: Reference("exported"))
        #expect(try await space.store.validate() == 2)
    }

    @Test("An index is exported with its platforms and annotations")
    func index() throws {
        let (space, other) = (try Workspace(), try Workspace())
        var annotations = Annotations()
        try annotations.add(parsing: "index:a=b")
        try annotations.add(parsing: "manifest-descriptor:c=d")
        let (now, later) = (
            try Self.image(other, .gzip, isDeferred: false), try Self.image(space, .gzip, isDeferred: true)
        )
        let set = try space.store.exported(space.store.assemble([later, later], annotations))
        #expect(try set.descriptor == other.store.assemble([now, now], annotations).descriptor)
        #expect(try set.images().map(\.manifestBytes) == [now.manifestBytes])
    }

    @Test("A layer is compressed once for each diff ID")
    func once() throws {
        let space = try Workspace()
        let later = try Self.image(space, .gzip, isDeferred: true)
        let first = try space.store.exported(later)
        let steps = try space.store.cachedSteps().count
        #expect(steps == 2)
        #expect(try space.store.exported(later).layers == first.layers)
        #expect(try space.store.cachedSteps().count == steps)
        #expect(try space.store.exported(first).manifestBytes == first.manifestBytes)
    }

    @Test("A layer without compression that is to stay so is exported as it is")
    func plain() throws {
        let space = try Workspace()
        let image = try Self.image(space, .uncompressed, isDeferred: false)
        try space.store.publish(image, as: nil)
        #expect(try space.store.exported(ImageSet(image.descriptor, in: space.store)).descriptor == image.descriptor)
        var form = LayerForm()
        (form.compression, form.isDeferred) = (.gzip, true)
        let deferred = try image.converted(to: form, above: 0, into: space.store)
        #expect(deferred.layers.map(\.descriptor.digest) == image.layers.map(\.descriptor.digest))
        #expect(
            try space.store.exported(deferred).layers.map(\.descriptor.mediaType.layerCompression) == [.gzip, .gzip])
        form.compression = .uncompressed
        #expect(try deferred.converted(to: form, above: 0, into: space.store).manifestBytes == image.manifestBytes)
    }

    @Test("A compressed layer is read from its plain tar, whose content is verified, and validated by its own blob")
    func reading() async throws {
        let space = try Workspace()
        let image = try space.store.exported(Self.image(space, .gzip, isDeferred: true))
        let (packed, tar) = (image.layers[0].descriptor.digest, image.layers[0].diffID)
        try space.store.root.replace(FilePath("blobs/sha256/\(packed.hex)"), with: [1, 2, 3])
        #expect(try await image.tree().node(at: ImagePath("d/b")) != nil)
        await #expect(throws: OCIError.self) { try await image.validate() }
        try space.store.root.replace(FilePath("blobs/sha256/\(tar.hex)"), with: [UInt8](repeating: 0, count: 1024))
        await #expect(throws: OCIError.self) { try await image.tree() }
    }

    @Test("An image that names a base of the store names the exported base after its own export")
    func bases() throws {
        let space = try Workspace()
        let (now, later) = (
            try Self.image(space, .gzip, isDeferred: false), try Self.image(space, .gzip, isDeferred: true)
        )
        try space.store.publish(later, as: nil)
        let name = try Reference("base")
        let derived = later.based(on: name, later.descriptor.digest)
        #expect(
            try space.store.exported(derived).manifestBytes == now.based(on: name, now.descriptor.digest).manifestBytes)
    }
}

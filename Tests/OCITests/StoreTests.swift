import Linux
import Support
import SystemPackage
import Testing

@testable import OCI

@Suite("Store")
struct StoreTests {
    @Test("A published image is found again by name, byte for byte, and is valid")
    func publish() async throws {
        let space = try Workspace()
        let image = try space.image([[try file("a", "1")], [try file("b", "2")]]).configured { $0.user = "app" }
        try space.store.publish(image, as: Reference("demo:1"))
        let again = try Store(at: space.path.appending("store")).image(Reference("docker.io/library/demo:1"))
        #expect(again.manifestBytes == image.manifestBytes)
        #expect(again.config.user == "app")
        #expect(try await space.store.validate() == 1)
    }

    @Test("An image with a configuration that no command could read is refused before anything is stored")
    func tooLarge() throws {
        let space = try Workspace()
        let image = try space.image([[try file("a", "1")]]).configured {
            $0.user = String(repeating: "x", count: Int(Image.documentLimit))
        }
        #expect {
            try space.store.publish(image, as: Reference("demo"))
        } throws: {
            "\($0)".contains("its configuration has 41") && "\($0)".hasSuffix("; the limit is 4194304 bytes")
        }
        #expect(try space.store.images().isEmpty)
    }

    @Test("A name moves to the new image")
    func rename() throws {
        let space = try Workspace()
        try space.store.publish(space.image([[try file("a", "1")]]), as: Reference("demo"))
        let second = try space.image([[try file("a", "2")]])
        try space.store.publish(second, as: Reference("demo"))
        #expect(try space.store.images().map(\.descriptor.digest) == [second.descriptor.digest])
    }

    @Test("Collection removes blobs that nothing needs and keeps the rest")
    func collect() async throws {
        let space = try Workspace()
        let kept = try space.image([[try file("a", "1")]])
        try space.store.publish(kept, as: Reference("kept"))
        let cached = CachedStep(layer: try space.layer([try file("c", "cached")]), epoch: 7)
        try space.store.cache(cached, for: Digest(of: [1]))
        _ = try space.layer([try file("b", "garbage")])
        try space.store.root.replace("thaw/ingest/leftover", with: [1])
        #expect(try space.store.collect().blobs == 1)
        #expect(try space.store.root.directory("thaw/ingest").entries().isEmpty)
        #expect(try space.store.cachedStep(for: Digest(of: [1])) == cached)
        #expect(try await space.store.validate() == 1)
    }

    @Test("An unwritten blob leaves nothing behind")
    func abandoned() throws {
        let space = try Workspace()
        do {
            let blob = try space.store.ingest()
            try blob.write([1, 2, 3])
        }
        #expect(try space.store.root.directory("thaw/ingest").entries().isEmpty)
        #expect(try space.store.root.directory("blobs/sha256").entries().isEmpty)
    }

    @Test("The error for a missing image has its name and the store")
    func missing() throws {
        let space = try Workspace()
        #expect { try space.store.image(Reference("nope")) } throws: {
            "\($0)" == "image nope:latest is not in the store \(space.store.path)"
        }
    }

    @Test("An image that is exported as a layout and loaded again is the same")
    func layout() throws {
        let space = try Workspace()
        let image = try space.image([[try file("a", "1")]])
        let directory = space.path.appending("layout")
        try Layout.write(ImageSet(image), to: directory, tag: "demo:1")
        let other = try Store(at: space.path.appending("other"))
        #expect(try other.load(directory).map(\.familiar) == ["demo:1"])
        #expect(try other.image(Reference("demo:1")).manifestBytes == image.manifestBytes)
    }
}

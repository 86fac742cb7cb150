import Linux
import Support
import SystemPackage
import Testing

@testable import OCI

/// The remembered facts of images, and what a list and a collection make of them.
@Suite("Facts of images")
struct SetFactsTests {
    @Test("Remembered facts are those of the documents, and a damaged file is made again")
    func remembering() throws {
        let space = try Workspace()
        let images = try [
            space.image([[try file("a", "1")], [try file("b", "2")]]), space.image([[try file("c", "3")]]),
        ]
        let set = try space.store.assemble(images)
        try space.store.publish(set, as: Reference("both"))
        try space.store.publish(images[0], as: Reference("one"))
        let first = try space.store.summaries()
        #expect(first.map(\.name) == ["docker.io/library/both:latest", "docker.io/library/one:latest"])
        #expect(first[1].size == images[0].compressedSize)
        #expect(first[0].size == images.reduce(0) { $0 + $1.compressedSize })
        #expect(first[0].platforms == [Platform.host.description, Platform.host.description])
        let entries = try space.store.index().manifests
        let facts = try SetFacts.all(of: entries, in: space.store)
        for entry in entries { #expect(try facts[entry.digest] == SetFacts.read(entry, in: space.store).facts) }
        for damage in ["", "x\n", "\(entries[0].digest.hex) 1 2\n"] {
            try space.store.root.replace("thaw/facts", with: Array(damage.utf8))
            #expect(try SetFacts.all(of: entries, in: space.store) == facts)
        }
    }

    @Test("An image without one of its documents is reported, and not remembered")
    func missing() throws {
        let space = try Workspace()
        let image = try space.image([[try file("a", "1")]])
        try space.store.publish(image, as: Reference("a"))
        try space.store.root.remove(FilePath("blobs/sha256/\(image.manifest.config.digest.hex)"))
        #expect(throws: OCIError.blobMissing(image.manifest.config.digest)) { try space.store.summaries() }
        _ = try space.store.usage()
        #expect(throws: OCIError.blobMissing(image.manifest.config.digest)) { try space.store.summaries() }
    }

    @Test("A step's layer is read from its document, also from one with an annotation of the same name")
    func steps() throws {
        let layer = Descriptor(mediaType: .layer(.gzip), digest: Digest(of: [1]), size: 1)
        var strange = layer
        strange[annotation: "digest"] = "\(Digest(of: [7]))"
        for descriptor in [layer, strange] {
            let json = JSON.object([
                "layer": descriptor.json, "diffID": .string("\(Digest(of: [2]))"), "epoch": .integer(0),
            ])
            #expect(StepLayer(json.bytes)?.blob == Digest(of: [1]))
            #expect(StepLayer(json.bytes)?.diffID == Digest(of: [2]))
        }
        #expect(StepLayer(Array("{}".utf8)) == nil)
    }
}

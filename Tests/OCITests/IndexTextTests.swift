import Linux
import Support
import SystemPackage
import Testing

@testable import OCI

/// The index of a store, looked up and edited by its bytes.
@Suite("The text of an index")
struct IndexTextTests {
    private static func entry(_ number: Int, name: String?) -> Descriptor {
        var entry = Descriptor(mediaType: .manifest, digest: Digest(of: Array("\(number)".utf8)), size: Int64(number))
        entry.platform = .host
        entry[annotation: Store.referenceKey] = name
        return entry
    }

    private static let entries = [
        entry(1, name: "docker.io/library/a:1"), entry(2, name: nil), entry(3, name: "docker.io/library/b:1"),
    ]

    @Test("Entries are found by a name or a digest, whole strings only")
    func finding() throws {
        let text = try #require(IndexText(Index(manifests: Self.entries).bytes))
        #expect(try text.entries(with: ["docker.io/library/a:1"]) == [Self.entries[0]])
        #expect(
            try text.entries(with: ["\(Self.entries[1].digest)", "docker.io/library/b:1"]) == Self.entries[1...] + [])
        #expect(try text.entries(with: ["docker.io/library/a"]).isEmpty)
    }

    @Test("An edited document has the canonical bytes, and other members and entries keep theirs")
    func editing() throws {
        let new = Self.entry(9, name: "docker.io/library/a:1")
        func edited(_ bytes: [UInt8]) throws -> [UInt8] {
            let text = try #require(IndexText(bytes))
            return try text.replacing(["docker.io/library/a:1"], with: [new]) {
                $0[annotation: Store.referenceKey] == "docker.io/library/a:1"
            }.bytes
        }
        let expected = Index(manifests: [Self.entries[1], Self.entries[2], new])
        #expect(try edited(Index(manifests: Self.entries).bytes) == expected.bytes)
        #expect(try edited(Index().bytes) == Index(manifests: [new]).bytes)
        let spaced = "{ \"x\": [ { \"manifests\": 1 } ], \"manifests\" : [ {\"a\": \"docker.io/library/a:1\"} , {} ] }"
        #expect(throws: OCIError.self) { try edited(Array(spaced.utf8)) }
        #expect(IndexText(Array(spaced.utf8)) != nil)
    }

    @Test(
        "A document that isn't as simple as known writers make it is left to the decoder",
        arguments: [
            "", "[]", "{}", #"{"manifests":null}"#, #"{"manifests":[}"#, #"{"manifests":["a"]}"#, #"{"manifests":[{]}"#,
            #"{"manifests":[{}],"manifests":[{}]}"#, #"{"manifests":[{"a\u0041":1}]}"#, #"{"manifests":[{"a}]}"#,
            #"{"manifests":[]}}"#, #"{"manifests":[[]]}"#,
        ])
    func refused(text: String) { #expect(IndexText(Array(text.utf8)) == nil) }

    @Test("Names that several threads set at once are all there, the last of equal ones once")
    func together() async throws {
        let space = try Workspace()
        let image = try space.image([[try file("a", "1")]])
        try space.store.publish(image, as: nil)
        _ = try await Offload.map(Array(0..<40), width: 8) { number in
            let store = try Store(at: space.path.appending("store"))
            return try store.publish(image, as: Reference("name\(number % 20)"))
        }
        let names = try space.store.images().map(\.name)
        #expect(names.count == 20)
        #expect(Set(names).count == 20)
        #expect(
            try space.store.root.directory("thaw").entries().allSatisfy { $0.name != Array("names".utf8) }
                || space.store.root.directory("thaw/names").entries().isEmpty)
    }

    @Test("Names that a killed process left are set by the next one, before a collection too")
    func left() throws {
        let space = try Workspace()
        let image = try space.image([[try file("a", "1")]])
        let entry = try space.store.publish(image, as: nil)
        var named = entry
        named[annotation: Store.referenceKey] = "docker.io/library/left:latest"
        try space.store.root.makeDirectories("thaw/names")
        try space.store.root.replace("thaw/names/1", with: JSON.array([named.json]).bytes)
        try space.store.root.replace("thaw/names/2", with: [])
        _ = try space.store.collect(forgettingSteps: true)
        #expect(try space.store.images().map(\.name) == ["docker.io/library/left:latest"])
        #expect(try space.store.image(Reference("left")).layers.count == 1)
        #expect(try space.store.root.directory("thaw/names").entries().isEmpty)
    }
}

import Linux
import Support
import SystemPackage
import Testing

@testable import OCI

@Suite("Layers")
struct LayerTests {
    @Test("A layer reads back through every compression", arguments: OCI.Compression.allCases)
    func compressions(compression: OCI.Compression) async throws {
        let space = try Workspace()
        let big = (0..<(3 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
        let image = try space.image([[try file("big", big), try file("empty", "")]], compression: compression)
        let tree = try await image.tree(contents: true)
        #expect(tree.inode(at: try ImagePath("big"))?.content == Digest(of: big))
        #expect(image.layers[0].descriptor.mediaType == .layer(compression))
    }

    @Test("The same entries give the same digest")
    func reproducible() throws {
        let one = try Workspace().image([[try file("a", [UInt8](repeating: 7, count: 5_000_000))]])
        let other = try Workspace().image([[try file("a", [UInt8](repeating: 7, count: 5_000_000))]])
        #expect(one.descriptor.digest == other.descriptor.digest)
    }

    @Test(
        "A blob with a flipped byte is an error that names it, in every compression",
        arguments: OCI.Compression.allCases)
    func corrupt(compression: OCI.Compression) async throws {
        let space = try Workspace()
        let image = try space.image([[try file("a", "some content")]], compression: compression)
        let blob = "blobs/sha256/\(image.layers[0].descriptor.digest.hex)"
        var bytes = try space.store.root.contents(of: .init(blob), limit: 1 << 20)
        bytes[bytes.count / 2] ^= 1
        try space.store.root.replace(.init(blob), with: bytes)
        await #expect(throws: OCIError.self) { try await image.validate() }
    }

    @Test("A truncated blob is an error", arguments: OCI.Compression.allCases)
    func truncated(compression: OCI.Compression) async throws {
        let space = try Workspace()
        let image = try space.image([[try file("a", "some content")]], compression: compression)
        let blob = "blobs/sha256/\(image.layers[0].descriptor.digest.hex)"
        let bytes = try space.store.root.contents(of: .init(blob), limit: 1 << 20)
        try space.store.root.replace(.init(blob), with: Array(bytes.dropLast(3)))
        await #expect(throws: OCIError.self) { try await image.validate() }
    }

    @Test("The store keeps a layer's headers, and removing them changes nothing")
    func index() async throws {
        let space = try Workspace()
        let image = try space.image([
            [
                try directory("d", mode: 0o1777), try file("d/a", "1"), try symlink("l", "d/a"),
                try hardLink("h", "d/a"),
            ],
            [try whiteout("d/a"), try file("b", "22")],
        ])
        func paths() async throws -> [String] {
            var paths: [String] = []
            let tree = try await space.store.tree(of: image)
            tree.walk { path, node in paths.append("\(path) \(tree.inode(of: node).kind)") }
            return paths
        }
        let remembered = try await paths()
        try space.store.root.removeTree("thaw/index")
        try space.store.root.makeDirectories("thaw/index")
        #expect(try await paths() == remembered)
        #expect(remembered.count == 5)
    }
}

import Support
import Testing

@testable import OCI

@Suite("FileTree")
struct FileTreeTests {
    private static func tree(_ layers: [[(LayerEntry, [UInt8])]]) throws -> FileTree {
        var tree = FileTree()
        for (index, entries) in layers.enumerated() {
            try tree.apply(entries.map { ($0.0, Digest(of: $0.1)) }, layer: index, name: "l\(index)")
        }
        return tree
    }

    private static func paths(_ tree: FileTree) -> [String] {
        var paths: [String] = []
        tree.walk { path, _ in paths.append(path.description) }
        return paths
    }

    @Test("A whiteout removes lower layers' files and keeps its own layer's")
    func whiteouts() throws {
        let tree = try Self.tree([
            [try file("d/a", "1"), try file("d/b", "2")],
            [try file("d/c", "3"), try whiteout("d"), try file("d/e", "4")],
        ])
        #expect(Self.paths(tree) == ["/", "/d", "/d/c", "/d/e"])
    }

    @Test("An opaque mark clears lower children only")
    func opaque() throws {
        let tree = try Self.tree([
            [try file("d/a", "1")], [try file("d/new", "2"), (LayerEntry(try ImagePath("d"), .clear), [])],
        ])
        #expect(Self.paths(tree) == ["/", "/d", "/d/new"])
    }

    @Test("A directory over a directory keeps the children; a file over a directory removes them")
    func replacing() throws {
        let tree = try Self.tree([[try directory("d"), try file("d/a", "1")], [try directory("d", mode: 0o700)]])
        #expect(Self.paths(tree) == ["/", "/d", "/d/a"])
        #expect(tree.inode(at: try ImagePath("d"))?.metadata.mode == 0o700)
        let other = try Self.tree([[try directory("d"), try file("d/a", "1")], [try file("d", "now a file")]])
        #expect(Self.paths(other) == ["/", "/d"])
        #expect(other.liveBytes == 10)
    }

    @Test("A hard link keeps content live when its other name is replaced")
    func hardLinks() throws {
        let tree = try Self.tree([[try file("a", "12345"), try hardLink("b", "a")], [try file("a", "6")]])
        #expect(tree.liveBytes == 6)
        #expect(tree.inodes.filter { $0.removal != nil && $0.kind.isFile }.isEmpty)
    }

    @Test("A parent that is a link is followed inside the root")
    func linkedParents() throws {
        let tree = try Self.tree([[try directory("usr/lib"), try symlink("lib", "usr/lib")], [try file("lib/x", "1")]])
        #expect(Self.paths(tree).contains("/usr/lib/x"))
        #expect(tree.resolve(try ImagePath("lib/x")) != nil)
    }

    @Test(
        "A parent link that leaves the root, or loops, is refused",
        arguments: [("l", "../../etc"), ("l", "/../.."), ("l", "l")])
    func escapingLinks(name: String, target: String) throws {
        #expect {
            try Self.tree([[try symlink(name, target), try file("\(name)/x", "1")]])
        } throws: {
            "\($0)".contains("/\(name)/x")
        }
    }

    @Test("A whiteout of nothing is recorded")
    func dangling() throws {
        let tree = try Self.tree([[try file("a", "1")], [try whiteout("nope")]])
        #expect(tree.danglingWhiteouts.map(\.path) == [try ImagePath("nope")])
    }

    @Test("A hard link to nothing is refused")
    func danglingLink() throws {
        #expect(throws: OCIError.self) { try Self.tree([[try hardLink("a", "nope")]]) }
    }
}

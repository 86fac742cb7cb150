import Glibc
import Linux
import OCI
import Support
import SystemPackage
import Testing

@testable import Build

@Suite("The build context")
struct ContextTests {
    private static func source(
        _ space: Workspace, ignoring ignored: @escaping @Sendable (ImagePath) -> Bool = { _ in false }
    ) throws -> ContextSource {
        let path = space.path.appending("context")
        return try ContextSource(
            Directory(path), hashes: ContextHashes(space.store, context: path), rules: ContextRules(isIgnored: ignored))
    }

    private static func paths(_ source: ContextSource) -> [String] {
        var paths: [String] = []
        source.tree.walk { path, node in
            if node != FileTree.rootNode { paths.append("\(path) \(source.tree.inode(of: node).linkCount)") }
        }
        return paths
    }

    @Test("Files, links and directories are seen, links not followed, sockets and what is ignored left out")
    func walk() throws {
        let space = try Workspace()
        try space.write("context/a", "1")
        try space.write("context/d/e/f", "2")
        try space.write("context/no/g", "3")
        let root = try Directory(space.path.appending("context"))
        try root.makeHardLink("d/h", to: "a")
        try root.makeLink("l", to: "/etc")
        try root.makeNode("s", type: .socket, mode: 0o600)
        let source = try Self.source(space, ignoring: { $0.name.elementsEqual("no".utf8) })
        #expect(Self.paths(source) == ["/a 2", "/d 1", "/d/e 1", "/d/e/f 1", "/d/h 2", "/l 1"])
        #expect(source.tree.inode(at: try ImagePath("l"))?.kind == .symlink(target: Array("/etc".utf8)))
    }

    @Test("A name need not be UTF-8")
    func bytes() throws {
        let space = try Workspace()
        let root = try Directory.make(space.path.appending("context"))
        _ = try root.open(FilePath(bytes: [0xff, 0x62]), [.write, .create])
        let source = try Self.source(space)
        #expect(source.tree.node(at: try ImagePath(entry: [0xff, 0x62])) != nil)
    }

    @Test("A file that is written to after it was looked at is an error, and is not remembered")
    func changed() throws {
        let space = try Workspace()
        try space.write("context/a", "1")
        let source = try Self.source(space)
        try space.write("context/a", "2")
        let inode = try #require(source.tree.inodes.firstIndex { $0.kind.isFile })
        #expect(throws: BuildError.self) { try source.digests(of: [inode]) }
        #expect(throws: BuildError.self) { try source.read([inode], begin: { _ in }, chunk: { _ in }) }
    }

    @Test("A file that looks the same is not read again, unless it was too young to tell")
    func hashes() throws {
        let space = try Workspace()
        let file = try space.write("a", "1")
        let status = try OwnedDescriptor(file).status()
        let path = try ImagePath("a")
        for (age, reads) in [(Int64(100), 1), (0, 2)] {
            let context = FilePath("/context\(age)")
            var count = 0
            for _ in 0..<2 {
                let hashes = ContextHashes(space.store, context: context, now: status.changed.seconds + age)
                let digest = try hashes.digest(of: path, status) {
                    count += 1
                    return Digest(of: [7])
                }
                #expect(digest == Digest(of: [7]))
                try hashes.save()
            }
            #expect(count == reads)
        }
    }
}

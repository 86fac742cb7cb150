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

    @Test("Files, links and directories are found, links not followed, ignored files left out")
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
        #expect(Self.paths(source) == ["/a 2", "/d 1", "/d/e 1", "/d/e/f 1", "/d/h 2", "/l 1", "/s 1"])
        #expect(source.tree.inode(at: try ImagePath("s"))?.kind == .file(size: 0))
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

    @Test("A file that changes after the walk is an error, and its hash is not remembered")
    func changed() throws {
        let space = try Workspace()
        try space.write("context/a", "1")
        let source = try Self.source(space)
        try space.write("context/a", "2")
        let inode = try #require(source.tree.inodes.firstIndex { $0.kind.isFile })
        #expect(throws: BuildError.self) { try source.digests(of: [inode]) }
        #expect(throws: BuildError.self) { try source.read([inode], begin: { _ in }, chunk: { _ in }) }
    }

    @Test("A file with the same status is not read again, unless it was too new")
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
                if let known = hashes.remembered(path, status) {
                    #expect(known.digest == Digest(of: [7]))
                    #expect(!known.hasAttributes)
                    continue
                }
                count += 1
                hashes.remember(Digest(of: [7]), of: path, status, hasAttributes: false)
                try hashes.save()
            }
            #expect(count == reads)
        }
    }

    @Test("A damaged file of hashes is ignored", arguments: [0, 3, 20, 100])
    func damaged(count: Int) throws {
        let space = try Workspace()
        let status = try OwnedDescriptor(try space.write("a", "1")).status()
        let hashes = ContextHashes(space.store, context: "/c", now: status.changed.seconds + 100)
        for name in ["a", "b"] {
            hashes.remember(Digest(of: []), of: try ImagePath(name), status, hasAttributes: true)
        }
        try hashes.save()
        let file = FilePath("thaw/cache/context-\(Digest(of: Array("/c".utf8)).hex)")
        let bytes = try space.store.root.contents(of: file, limit: 1 << 20)
        try space.store.root.replace(file, with: Array(bytes.prefix(count)))
        let again = ContextHashes(space.store, context: "/c", now: status.changed.seconds + 100)
        let known = try ["a", "b"].filter { again.remembered(try ImagePath($0), status) != nil }
        #expect(known.count == (count == 100 ? 1 : 0))
    }

    @Test("An ignored directory with included content keeps its mode and time")
    func ignoredParents() throws {
        let space = try Workspace()
        try space.write("context/no/deep/yes", "1")
        try space.write("context/no/other", "2")
        let root = try Directory(space.path.appending("context"))
        try root.setMode(of: "no", 0o700)
        try root.setModified(of: "no", FileTime(seconds: 77))
        let rules = ContextRules(isIgnored: { $0.name.elementsEqual("yes".utf8) == false }, mayPrune: { _ in false })
        let source = try ContextSource(root, hashes: nil, rules: rules)
        #expect(Self.paths(source) == ["/no 1", "/no/deep 1", "/no/deep/yes 1"])
        let metadata = source.tree.inode(at: try ImagePath("no"))?.metadata
        #expect(metadata?.mode == 0o700)
        #expect(metadata?.mtime.seconds == 77)
    }

    /// A change of a context with `d/f`, `other/x` and a link `l` to `d`; a source; true if its stamp changes.
    static let changes: [(String, @Sendable (Directory) throws -> Void, String, Bool)] = [
        ("nothing", { _ in }, "d", false),
        ("content", { try $0.replace("d/f", with: [1, 2]) }, "d", true),
        ("content of something else", { try $0.replace("other/x", with: [1, 2]) }, "d", false),
        ("content of something else, by a pattern", { try $0.replace("other/x", with: [1, 2]) }, "d*", true),
        ("content of something else, by a link", { try $0.replace("other/x", with: [1, 2]) }, "l/f", true),
        ("content of something else, by the root", { try $0.replace("other/x", with: [1, 2]) }, ".", true),
        ("a mode", { try $0.setMode(of: "d/f", 0o600) }, "d", true),
        ("a directory's mode", { try $0.setMode(of: "d", 0o700) }, "d", true),
        ("a parent's mode", { try $0.setMode(of: "d", 0o700) }, "d/f", true),
        ("a directory's time", { try $0.setModified(of: "d", FileTime(seconds: 5)) }, "d", false),
        ("a new file", { try $0.replace("d/new", with: []) }, "d", true),
        ("a new file next to it", { try $0.replace("d/new", with: []) }, "d/f", false),
        ("a name", { try $0.rename("d/f", to: "d/g") }, "d", true),
        ("a second name elsewhere", { try $0.makeHardLink("other/h", to: "d/f") }, "d", true),
        ("an attribute", { try $0.setAttribute("user.note", of: "d/f", to: [1]) }, "d", true),
        ("a directory's attribute", { try $0.setAttribute("user.note", of: "d", to: [1]) }, "d", true),
        ("a removed file", { try $0.remove("d/f") }, "d/f", true),
    ]

    @Test("A stamp changes with the files that its source can read", arguments: 0..<changes.count)
    func stamps(index: Int) throws {
        let (name, change, source, isChanged) = Self.changes[index]
        let space = try Workspace()
        try space.write("context/d/f", "1")
        try space.write("context/other/x", "2")
        let root = try Directory(space.path.appending("context"))
        try root.makeLink("l", to: "d")
        let later = Int64(time(nil)) + 100
        let before = try #require(try ContextWalk(root, begin: later).stamp(of: [source]))
        try change(root)
        let after = try ContextWalk(root, begin: later).stamp(of: [source])
        #expect((after != before) == isChanged, "\(name)")
    }

    @Test("A file that may change without a new time has no stamp")
    func young() throws {
        let space = try Workspace()
        try space.write("context/d/f", "1")
        let root = try Directory(space.path.appending("context"))
        #expect(try ContextWalk(root).stamp(of: ["d"]) == nil)
    }
}

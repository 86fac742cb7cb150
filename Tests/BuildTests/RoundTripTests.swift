import Glibc
import Linux
import OCI
import Support
import Synchronization
import SystemPackage
import Testing

@testable import Build

/// Layers on disk and back: an unpacked layer matches its tree, and a layer matches the files that a command wrote.
@Suite("Layers on disk", .enabled(if: geteuid() == 0, "only root makes device nodes and changes owners"))
struct RoundTripTests {
    /// Returns every path below a directory with its metadata and content, one in each line.
    private static func listing(_ directory: Directory) throws -> [String] {
        var lines: [String] = []
        var stack: [ImagePath] = try directory.entries().reversed().map { ImagePath.root.appending($0.name) }
        while let path = stack.popLast() {
            let place = FilePath(path)
            let status = try directory.status(of: place)
            if status.isWhiteout {
                lines.append("\(path) whiteout")
                continue
            }
            var text = "\(path) \(status.type) 0\(String(status.mode, radix: 8)) \(status.uid):\(status.gid)"
            text += " \(status.modified.seconds)"
            if status.type == .regular {
                text += " " + String(decoding: try directory.contents(of: place, limit: 1 << 20), as: UTF8.self)
            }
            if try directory.attribute("trusted.overlay.opaque", of: place) == Array("y".utf8) { text += " opaque" }
            lines.append(text)
            guard status.type == .directory else { continue }
            stack += try directory.directory(place).entries().reversed().map { path.appending($0.name) }
        }
        return lines
    }

    /// Unpacks the topmost of some layers over the others.
    private static func unpacked(_ layers: [[(LayerEntry, [UInt8])]], in space: Workspace) async throws -> [String] {
        let image = try space.image(layers)
        let directories = try await Snapshots(space.store).directories(of: image)
        #expect(directories.count == layers.count)
        return try listing(Directory(try #require(directories.first)))
    }

    @Test("Modes, owners, times, attributes, links and devices are on disk")
    func metadata() async throws {
        let space = try Workspace()
        var odd = try file("d/f", "text", mode: 0o4751)
        (odd.0.metadata.uid, odd.0.metadata.gid) = (7, 8)
        odd.0.metadata.mtime = FileTime(seconds: 1_234_567)
        odd.0.metadata.xattrs = ["user.note": [1, 2], "trusted.overlay.opaque": [0x79]]
        let device = LayerEntry(
            try ImagePath("d/null"), .add(.characterDevice(major: 1, minor: 3)), FileMetadata(mode: 0o666))
        let image = try space.image([
            [try directory("d", mode: 0o1777), odd, try hardLink("d/h", "d/f"), try symlink("d/l", "f"), (device, [])]
        ])
        let root = try Directory(try await Snapshots(space.store).directories(of: image)[0])
        #expect(
            try Self.listing(root) == [
                "/d directory 01777 0:0 0", "/d/f regular 04751 7:8 1234567 text",
                "/d/h regular 04751 7:8 1234567 text",
                "/d/l symbolicLink 0777 0:0 0", "/d/null characterDevice 0666 0:0 0",
            ])
        #expect(try root.status(of: "d/f").inode == root.status(of: "d/h").inode)
        #expect(try root.attribute("user.note", of: "d/f") == [1, 2])
        #expect(try root.attribute("trusted.overlay.opaque", of: "d/f") == nil)
        #expect(try root.status(of: "d/null").minor == 3)
    }

    @Test("A whiteout applies before all entries of its own layer, at any position")
    func whiteouts() async throws {
        let space = try Workspace()
        let below = [try file("d/old", "1"), try file("f", "1"), try file("x/y/z", "1")]
        let top = [
            try directory("d"), try file("d/new", "2"), try whiteout("d"), try whiteout("f"),
            try whiteout("x"), try file("x/y/new", "3"), try whiteout("none/at/all"),
        ]
        #expect(
            try await Self.unpacked([below, top], in: space) == [
                "/d directory 0755 0:0 0 opaque", "/d/new regular 0644 0:0 0 2", "/f whiteout",
                "/x directory 0755 0:0 0 opaque", "/x/y directory 0755 0:0 0", "/x/y/new regular 0644 0:0 0 3",
            ])
    }

    @Test("An opaque mark applies through a link, and makes no missing directory")
    func opaque() async throws {
        let space = try Workspace()
        let below = [try file("real/old", "1"), try symlink("link", "real")]
        let top = [
            (LayerEntry(try ImagePath("link"), .clear), [UInt8]()), (LayerEntry(try ImagePath("none"), .clear), []),
        ]
        #expect(try await Self.unpacked([below, top], in: space) == ["/real directory 0755 0:0 0 opaque"])
    }

    @Test("A directory without an entry in a layer keeps its attributes from below")
    func impliedParents() async throws {
        let space = try Workspace()
        let below = [try directory("d", mode: 0o700), try symlink("l", "d")]
        #expect(
            try await Self.unpacked([below, [try file("l/f", "1")]], in: space) == [
                "/d directory 0700 0:0 0", "/d/f regular 0644 0:0 0 1",
            ])
    }

    @Test("A hard link to any entry of a lower layer is on disk")
    func linksAcrossLayers() async throws {
        let space = try Workspace()
        let below = [try file("f", "text", mode: 0o600), try symlink("s", "f")]
        let top = [try hardLink("f2", "f"), try hardLink("s2", "s")]
        #expect(
            try await Self.unpacked([below, top], in: space) == [
                "/f2 regular 0600 0:0 0 text", "/s2 symbolicLink 0777 0:0 0",
            ])
    }

    @Test("A layer that can't be unpacked leaves nothing on disk")
    func failure() async throws {
        let space = try Workspace()
        let image = try space.image([[try file("f", [UInt8](repeating: 7, count: 4000))]])
        let blob = FilePath("blobs/sha256/\(image.layers[0].descriptor.digest.hex)")
        let bytes = try space.store.root.contents(of: blob, limit: 1 << 20)
        try space.store.root.replace(blob, with: Array(bytes.dropLast(5)))
        await #expect(throws: OCIError.self) { try await Snapshots(space.store).directories(of: image) }
        #expect(try space.store.root.directory("thaw/layers").entries().map(\.name) == [Array("boot".utf8)])
    }

    @Test("Concurrent tasks that unpack the same layers all get them")
    func concurrently() async throws {
        let space = try Workspace()
        let image = try space.image([[try file("a", "1")], [try file("b", "2")]])
        try await withThrowingTaskGroup(of: [FilePath].self) { group in
            for _ in 0..<8 { group.addTask { try await Snapshots(space.store).directories(of: image) } }
            for try await directories in group { #expect(directories.count == 2) }
        }
        let names = try space.store.root.directory("thaw/layers").entries().map {
            String(decoding: $0.name, as: UTF8.self)
        }
        #expect(!names.contains { $0.hasPrefix("tmp.") })
    }

    @Test("An entry that a user namespace can't make has a placeholder on disk")
    func standIns() async throws {
        let space = try Workspace()
        let device = LayerEntry(
            try ImagePath("d/null"), .add(.characterDevice(major: 1, minor: 3)), FileMetadata(mode: 0o666, uid: 7))
        var lent = try file("d/lent", "1")
        (lent.0.metadata.uid, lent.0.metadata.gid) = (7, 8)
        let image = try space.image([[(device, []), lent, (LayerEntry(try ImagePath("d"), .clear), [])]])
        let target = try Directory.make(space.path.appending("layer"))
        let tree = try await space.store.tree(of: image)
        try Unpacker(image, layer: 0, tree: tree, into: target, lower: [], ids: Self.lonely).unpack()
        #expect(
            try Self.listing(target) == [
                "/d directory 0755 0:0 0", "/d/lent regular 0644 0:0 0 1", "/d/null regular 0666 0:0 0 ",
            ])
        #expect(try target.attribute("user.overlay.opaque", of: "d") == Array("y".utf8))
    }

    @Test("Shifted layers have shifted owners, also in capabilities and access control lists")
    func shifted() async throws {
        let space = try Workspace()
        var owned = try file("owned", "1", mode: 0o4755)
        (owned.0.metadata.uid, owned.0.metadata.gid) = (7, 8)
        let capability: [UInt8] = [1, 0, 0, 2, 1] + [UInt8](repeating: 0, count: 15)
        let none = [UInt8](repeating: 255, count: 4)
        let groups = ([4, 16, 32] as [UInt8]).flatMap { [$0, 0, 5, 0, 255, 255, 255, 255] as [UInt8] }
        let list: [UInt8] = [2, 0, 0, 0] + [1, 0, 7, 0] + none + [2, 0, 4, 0, 9, 0, 0, 0] + groups
        owned.0.metadata.xattrs = ["security.capability": capability, "system.posix_acl_access": list]
        var foreign = try file("foreign", "2")
        (foreign.0.metadata.uid, foreign.0.metadata.gid) = (4_000_000_000, 1 << 30)
        let image = try space.image([[owned, foreign]])
        let ids = IDMap.shifted(to: 1 << 31, count: 1 << 30)
        let snapshots = try Snapshots(space.store)
        let layer = try Directory(try await snapshots.stored(with: ids).directories(of: image)[0])
        #expect(
            try Self.listing(layer) == [
                "/foreign regular 0644 2147483648:2147483648 0 2", "/owned regular 04755 2147483655:2147483656 0 1",
            ])
        let shifted = [1, 0, 0, 3] + capability[4...] + [0, 0, 0, 128]
        #expect(try layer.attribute("security.capability", of: "owned") == shifted)
        #expect(try layer.attribute("system.posix_acl_access", of: "owned")?[16..<20] == [9, 0, 0, 128])
        #expect(try await snapshots.directories(of: image)[0] != layer.path)
    }

    @Test("Attributes and device numbers that Linux can't have are left out with a note, the rest is on disk")
    func odd() async throws {
        let space = try Workspace()
        let device = LayerEntry(
            try ImagePath("d/odd"), .add(.characterDevice(major: 999_999, minor: 1)), FileMetadata(mode: 0o640))
        var attributed = try file("d/file", "1")
        attributed.0.metadata.xattrs = [
            "nonsense": [1], "user.large": [UInt8](repeating: 1, count: 100_000), "user.fine": [2],
        ]
        let image = try space.image([[(device, []), attributed]])
        let remarks = Mutex<[String]>([])
        let snapshots = try Snapshots(space.store) { text in remarks.withLock { $0.append(text) } }
        let unpacked = try Directory(try #require(try await snapshots.directories(of: image).first))
        #expect(
            try Self.listing(unpacked) == [
                "/d directory 0755 0:0 0", "/d/file regular 0644 0:0 0 1", "/d/odd regular 0640 0:0 0 ",
            ])
        #expect(try unpacked.layerAttributes(of: "d/file") == ["user.fine": [2]])
        _ = try await snapshots.directories(of: image)
        let name = image.layers[0].descriptor.digest.short
        #expect(
            remarks.withLock { $0 } == [
                "layer \(name): device '/d/odd' and 2 more can't exist on this system: "
                    + "the image keeps them, commands don't see them"
            ])
    }

    @Test("If a command changes such a file, its hidden attributes stay in the image")
    func oddCopiedUp() async throws {
        let space = try Workspace()
        let device = LayerEntry(
            try ImagePath("odd"), .add(.blockDevice(major: 1, minor: 1 << 20)), FileMetadata(mode: 0o640))
        var attributed = try file("file", "1")
        attributed.0.metadata.xattrs = ["nonsense": [1], "user.note": [2]]
        let (entries, _) = try await Self.difference(over: [(device, []), attributed], in: space) { upper in
            for (name, mode) in [("odd", UInt32(0o600)), ("file", 0o600)] {
                try upper.replace(FilePath(name), with: name == "odd" ? [] : Array("1".utf8))
                try upper.setMode(of: FilePath(name), mode)
                try upper.setModified(of: FilePath(name), FileTime(seconds: 0))
            }
        }
        #expect(entries.map(\.change) == [.add(.file(size: 1)), .add(.blockDevice(major: 1, minor: 1 << 20))])
        // The command removed user.note; the other attribute was never visible to it.
        #expect(entries.first?.metadata.xattrs == ["nonsense": [1]])
        #expect(entries.map(\.metadata.mode) == [0o600, 0o600])
    }

    /// A user namespace with one ID.
    private static let lonely = IDMap(users: Array("0 1 1".utf8), groups: Array("0 1 1".utf8), isInitial: false)

    // MARK: - From an upper directory

    /// Returns the upper directory of a command over `lower`, filled by `fill`, as a layer's entries.
    private static func difference(
        over lower: [(LayerEntry, [UInt8])], epoch: Int64 = 1000, ids: IDMap = .initial, in space: Workspace,
        _ fill: (Directory) throws -> Void
    ) async throws -> (entries: [LayerEntry], upper: Directory) {
        let below = try space.image([lower])
        let upper = try Directory.make(space.path.appending("upper"))
        try fill(upper)
        let contents = Dictionary(uniqueKeysWithValues: lower.map { ($0.0.path, $0.1) })
        let writer = try LayerWriter(into: space.store)
        try OverlayDiff(upper: upper, lower: try await space.store.tree(of: below), epoch: epoch, ids: ids) { path in
            contents[path].map { MemorySource($0) }
        }.write(to: writer)
        let image = below.appending(try writer.finish(), history: History(created: nil, createdBy: "test"))
        try space.store.publish(image, as: nil)
        try await image.validate()
        return (try space.store.entries(of: image.layers[1], in: image), upper)
    }

    private static func changes(_ entries: [LayerEntry]) -> [String] {
        entries.map { entry in
            switch entry.change {
            case .remove: "- \(entry.path)"
            case .link(let target): "\(entry.path) = \(target)"
            case .add, .clear: "+ \(entry.path)"
            }
        }
    }

    private static func put(_ text: String, _ path: FilePath, in upper: Directory, seconds: Int64 = 5) throws {
        try upper.replace(path, with: Array(text.utf8))
        try upper.setModified(of: path, FileTime(seconds: seconds))
    }

    @Test("Only whiteouts that remove something are in the layer, and links stay links")
    func upper() async throws {
        let space = try Workspace()
        let result = try await Self.difference(over: [try file("gone", "1"), try file("same", "2")], in: space) {
            upper in
            try upper.makeNode("gone", type: .characterDevice, mode: 0)
            try upper.makeNode("never", type: .characterDevice, mode: 0)
            try Self.put("new", "a", in: upper)
            try upper.makeHardLink("b", to: "a")
            try Self.put("2", "same", in: upper, seconds: 0)
            try upper.makeNode("socket", type: .socket, mode: 0o700)
        }
        #expect(Self.changes(result.entries) == ["+ /a", "/b = /a", "- /gone"])
    }

    @Test("A copied-up placeholder is the original entry; a new file at its path is that file")
    func copiedUp() async throws {
        let space = try Workspace()
        func entry(_ name: String, _ kind: FileKind) throws -> (LayerEntry, [UInt8]) {
            (LayerEntry(try ImagePath(name), .add(kind), FileMetadata(mode: 0o600, uid: 7)), [])
        }
        let device = FileKind.blockDevice(major: 7, minor: 0)
        let lower = [try entry("changed", device), try entry("filled", device), try entry("dir", .directory)]
        let result = try await Self.difference(over: lower, ids: Self.lonely, in: space) { upper in
            try Self.put("", "changed", in: upper, seconds: 0)
            try Self.put("text", "filled", in: upper, seconds: 0)
            try upper.makeLink("dir", to: "elsewhere")
        }
        let kinds = result.entries.map { "\($0.path) \($0.change) \($0.metadata.uid)" }
        #expect(
            kinds == [
                "/changed \(LayerEntry.Change.add(device)) 7",
                "/dir \(LayerEntry.Change.add(.symlink(target: Array("elsewhere".utf8)))) 0",
                "/filled \(LayerEntry.Change.add(.file(size: 4))) 0",
            ])
    }

    @Test("A new mode of the root directory is in the layer, an unchanged one is not")
    func root() async throws {
        let space = try Workspace()
        let result = try await Self.difference(over: [try file("a", "1")], in: space) { upper in
            try Directory(upper.path.removingLastComponent()).setMode(
                of: FilePath(upper.path.lastComponent?.string ?? ""), 0o700)
        }
        #expect(Self.changes(result.entries) == ["+ /"])
        #expect(result.entries.first?.metadata.mode == 0o700)
    }

    @Test("A directory that was removed and made again hides the old content at any depth")
    func recreated() async throws {
        let space = try Workspace()
        let lower = [try file("d/e/f", "1"), try file("d/e/g/h", "1"), try file("d/i", "1")]
        let result = try await Self.difference(over: lower, in: space) { upper in
            // Overlayfs marks only the top as opaque.
            try upper.makeDirectories("d/e/g")
            try upper.setAttribute("trusted.overlay.opaque", of: "d", to: Array("y".utf8))
            try Self.put("2", "d/e/new", in: upper)
        }
        #expect(
            Self.changes(result.entries) == [
                "+ /d", "- /d/i", "+ /d/e", "- /d/e/f", "+ /d/e/g", "- /d/e/g/h", "+ /d/e/new",
            ])
    }

    @Test("Times are limited to the epoch, in the layer and in the unpacked directory")
    func times() async throws {
        let space = try Workspace()
        let result = try await Self.difference(over: [], in: space) { upper in
            try upper.makeDirectory("d")
            try Self.put("1", "d/late", in: upper, seconds: 2000)
            try Self.put("1", "d/early", in: upper, seconds: 10)
            try upper.makeNode("d/socket", type: .socket, mode: 0o700)
        }
        #expect(result.entries.map(\.metadata.mtime.seconds) == [1000, 10, 1000])
        #expect(
            try Self.listing(result.upper) == [
                "/d directory 0755 0:0 1000", "/d/early regular 0644 0:0 10 1", "/d/late regular 0644 0:0 1000 1",
            ])
    }

    @Test("Bytecode has the time of its source in the layer", arguments: [(2000, 1000), (900, 900)])
    func bytecode(source: Int64, recorded: Int64) async throws {
        let space = try Workspace()
        let path: FilePath = "__pycache__/m.cpython-311.pyc"
        let result = try await Self.difference(over: [], in: space) { upper in
            try Self.put("pass", "m.py", in: upper, seconds: source)
            try upper.makeDirectory("__pycache__")
            let time = (0..<4).map { UInt8(truncatingIfNeeded: source >> (8 * Int64($0))) }
            try upper.replace(path, with: [0xa7, 0x0d, 0x0d, 0x0a, 0, 0, 0, 0] + time + [4, 0, 0, 0, 99])
        }
        let bytes = try result.upper.contents(of: path, limit: 100)
        #expect(bytes[8..<12].reversed().reduce(0) { $0 << 8 | Int64($1) } == recorded)
        #expect(bytes.count == 17)
    }
}

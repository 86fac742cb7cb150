import Linux
import Support
import SystemPackage
import Testing

@testable import OCI

/// The attacks that an untrusted image may try.
@Suite("Hostile input")
struct HostileTests {
    private static func entry(records: [(String, String)]) throws -> LayerEntry? {
        let content = records.flatMap { key, value in
            let rest = " \(key)=\(value)\n"
            var length = rest.utf8.count + 1
            while String(length).utf8.count + rest.utf8.count != length {
                length = String(length).utf8.count + rest.utf8.count
            }
            return Array("\(length)\(rest)".utf8)
        }
        // A pax header is a file of another type: the type and the checksum are set here.
        var header = TarWriter.header(of: try file("x", content).0)
        header[148..<156] = ArraySlice([UInt8](repeating: 32, count: 8))
        header[156] = UInt8(ascii: "x")
        let sum = header.reduce(0) { $0 + Int($1) }
        header[148..<156] = ArraySlice(
            Array(String(sum, radix: 8).utf8) + [0, 32, 32, 32].prefix(8 - String(sum, radix: 8).utf8.count))
        let padding = [UInt8](repeating: 0, count: -content.count & 511)
        let plain = TarWriter.header(of: try symlink("l", "t").0)
        let tar = header + content + padding + plain + [UInt8](repeating: 0, count: 1024)
        return try TarReader(MemorySource(tar), layer: "test").next()
    }

    @Test(
        "A pax time of any size is read or ignored, and never traps",
        arguments: [
            ("-9223372036854775808", 0), ("9223372036854775807", 0), ("-5.5", -6), ("7.25", 7), ("1e9", 0), ("", 0),
        ])
    func times(text: String, seconds: Int64) throws {
        #expect(try Self.entry(records: [("mtime", text)])?.metadata.mtime.seconds == seconds)
    }

    @Test("A link that no system can have is refused", arguments: [String(repeating: "a/", count: 3000), "a\0b"])
    func links(target: String) {
        #expect(throws: OCIError.self) { try Self.entry(records: [("linkpath", target)]) }
    }

    /// Raw names of entries, and the reason that no layer may have them.
    static let badNames: [(raw: String, type: Character, reason: String)] = [
        (".wh...", "0", "is a whiteout that names no file"), (".wh..", "0", "is a whiteout that names no file"),
        ("d/.wh..", "0", "is a whiteout that names no file"), ("d/.wh.../", "5", "is a whiteout that names no file"),
        (".wh.", "0", "is a whiteout that names no file"), ("d/.wh.", "1", "is a whiteout that names no file"),
        ("", "0", "has no name"), ("", "5", "has no name"), ("", "2", "has no name"),
        ("./", "0", ""), (".", "0", "replaces the root with something that is not a directory"),
        ("./.", "1", "replaces the root with something that is not a directory"),
        ("../x", "0", "leaves the root"), ("d/../../x", "0", "leaves the root"),
        ("/../x", "0", "leaves the root"),
    ]

    @Test(
        "An absolute name starts at the root of the layer, as in images of kaniko",
        arguments: [("/x", "0", "x"), ("//d//x", "0", "d/x"), ("/", "5", ""), ("/d/", "5", "d"), ("/.wh.x", "0", "x")]
            as [(String, Character, String)])
    func absoluteNames(raw: String, type: Character, path: String) throws {
        let reader = TarReader(MemorySource(try Self.tar(named: raw, type: type)), layer: "test")
        #expect(try reader.next()?.path == ImagePath(path))
    }

    @Test("The reader of layers refuses a name that no file of a layer can have", arguments: badNames)
    func names(raw: String, type: Character, reason: String) throws {
        let reader = TarReader(MemorySource(try Self.tar(named: raw, type: type)), layer: "test")
        if reason.isEmpty { return #expect(try reader.next()?.path.isRoot == true) }
        #expect { try reader.next() } throws: { "\($0)" == "cannot read layer test: entry '\(raw)' \(reason)" }
    }

    @Test("A NUL in a pax name is refused, an empty one cancels the record before it")
    func paxNames() throws {
        #expect { try Self.entry(records: [("path", "a\0b")]) } throws: {
            "\($0)" == "cannot read layer test: entry 'a\0b' contains a NUL byte"
        }
        #expect(try Self.entry(records: [("path", "a"), ("path", "")])?.path == ImagePath("l"))
    }

    @Test("aufs's own marks, an opaque mark and names with more dots are valid")
    func goodWhiteouts() throws {
        let marks: [(String, LayerEntry.Change, String)] = [
            (".wh..wh.plnk", .remove, ".wh..wh.plnk"), ("d/.wh..wh..opq", .clear, "d"), (".wh....", .remove, "..."),
            (".wh..a", .remove, ".a"),
        ]
        for (raw, change, path) in marks {
            let reader = TarReader(MemorySource(try Self.tar(named: raw, type: "0")), layer: "test")
            #expect(try reader.next() == LayerEntry(ImagePath(path), change))
        }
    }

    /// Makes a tar of one entry with a raw name.
    private static func tar(named name: String, type: Character) throws -> [UInt8] {
        var header = TarWriter.header(of: try file("x", "").0)
        header.replaceSubrange(0..<100, with: Array(name.utf8) + [UInt8](repeating: 0, count: 100 - name.utf8.count))
        header[156] = type.asciiValue ?? 0
        if type == "1" || type == "2" { header[157] = UInt8(ascii: "t") }
        header.replaceSubrange(148..<156, with: [UInt8](repeating: 32, count: 8))
        let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
        header.replaceSubrange(
            148..<156, with: Array((sum + "\0").utf8) + [UInt8](repeating: 32, count: 7 - sum.utf8.count))
        return header + [UInt8](repeating: 0, count: 1024)
    }

    @Test("A descriptor's size is refused if sums of sizes could overflow")
    func sizes() throws {
        let json = JSON.object([
            "mediaType": .string("x"), "digest": .string("\(Digest(of: []))"), "size": .integer(.max),
        ])
        #expect(throws: OCIError.self) { try Descriptor(json, what: "test") }
    }

    @Test("A file whose name means 'removed' is not written into a layer")
    func whiteoutNames() throws {
        let space = try Workspace()
        #expect { try space.layer([try file("d/.wh.x", "1")]) } throws: {
            "\($0)"
                == "'/d/.wh.x' cannot be put into a layer: a name that begins with .wh. means that a file was removed"
        }
    }

    @Test("A layer under another's diff ID is detected before its contents are used")
    func borrowedDiffID() async throws {
        let space = try Workspace()
        let good = try space.image([[try file("a", "good")]])
        let evil = try space.image([[try file("a", "evil!")]])
        let layer = Layer(descriptor: evil.layers[0].descriptor, diffID: good.layers[0].diffID)
        let image = good.replacingLayers([layer], history: [])
        // The index has that diff ID already, so the tree is the good one's.
        let tree = try await space.store.tree(of: image)
        let inode = try #require(tree.inodes.firstIndex { $0.kind.isFile })
        #expect(throws: OCIError.self) { try image.readContents(of: [inode], in: tree) { _, _ in } }
    }

    @Test("With verifying, contents of the right size under a wrong diff ID are an error too")
    func sameSize() async throws {
        let space = try Workspace()
        let good = try space.image([[try file("a", "good")]])
        let evil = try space.image([[try file("a", "evil")]])
        let layer = Layer(descriptor: evil.layers[0].descriptor, diffID: good.layers[0].diffID)
        let image = good.replacingLayers([layer], history: [])
        let tree = try await space.store.tree(of: image)
        let inode = try #require(tree.inodes.firstIndex { $0.kind.isFile })
        #expect(throws: OCIError.self) {
            try image.readContents(of: [inode], in: tree, verifying: true) { _, reader in
                try reader.readContent { _ in }
            }
        }
    }

    @Test("A damaged blob is repaired by storing it again")
    func repair() async throws {
        let space = try Workspace()
        let image = try space.image([[try file("a", "some content")]])
        let blob = FilePath("blobs/sha256/\(image.layers[0].descriptor.digest.hex)")
        let bytes = try space.store.root.contents(of: blob, limit: 1 << 20)
        try space.store.root.replace(blob, with: Array(bytes.dropLast(3)))
        _ = try space.image([[try file("a", "some content")]])
        #expect(try space.store.root.contents(of: blob, limit: 1 << 20) == bytes)
    }

    @Test("The first read of a layer and the next, from its index, have the same times")
    func wholeSeconds() async throws {
        let space = try Workspace()
        let header = TarWriter.header(of: try file("a", "").0)
        let tar = header + [UInt8](repeating: 0, count: 1024)
        let layer = try LayerWriter(into: space.store).copy(tar: MemorySource(tar))
        let image = Image.scratch(.host, in: space.store).appending(
            layer, history: History(created: nil, createdBy: "t"))
        #expect(try space.store.entries(of: layer, in: image) == space.store.entries(of: layer, in: image))
    }

    @Test("Unpacked layers are closed to other users of the machine")
    func closed() throws {
        let space = try Workspace()
        #expect(try space.store.root.status(of: "thaw/layers").mode == 0o700)
        _ = try space.store.collect(forgettingSteps: true)
        #expect(try space.store.root.status(of: "thaw/layers").mode == 0o700)
    }
}

import Linux
import OCI
import Support
import Testing

@testable import Disk

/// Makes a tree of one layer, without a store.
private func tree(_ entries: [LayerEntry]) throws -> FileTree {
    var tree = FileTree()
    try tree.apply(entries.map { ($0, nil) }, layer: 0, name: "test")
    return tree
}

private func entry(_ path: String, _ kind: FileKind, xattrs: [String: [UInt8]] = [:]) throws -> LayerEntry {
    LayerEntry(try ImagePath(path), .add(kind), FileMetadata(mode: 0o644, xattrs: xattrs))
}

@Suite("The layout of a disk")
struct LayoutTests {
    @Test(
        "The last part of a file is inline if it fits into a block with its inode",
        arguments: [
            (0, false, 0), (1, true, 0), (4032, true, 0), (4033, false, 1), (4096, false, 1), (4097, true, 1),
            (8128, true, 1), (8129, false, 2), (1 << 30, false, 1 << 18),
        ] as [(Int64, Bool, Int64)])
    func tails(size: Int64, isInline: Bool, blocks: Int64) throws {
        let layout = try DiskLayout(tree([entry("f", .file(size: size))]))
        let id = try #require((layout.files + layout.others).last)
        #expect(layout[id].isInline == isInline)
        #expect(layout.byteCount == (layout.firstContentBlock + blocks) * 4096)
    }

    @Test("Inodes, tails and contents never overlap, and a tail never crosses a block", arguments: 0..<20)
    func disjoint(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        var entries: [LayerEntry] = []
        for index in 0..<400 {
            let xattrs: [String: [UInt8]] =
                index % 7 == 0 ? ["user.a": [UInt8](repeating: 1, count: Int(random.next() % 9000))] : [:]
            let size = Int64(random.next() % [10, 5000, 100_000][index % 3])
            entries.append(try entry("d\(index % 9)/f\(index)", .file(size: size), xattrs: xattrs))
        }
        let tree = try tree(entries)
        let layout = try DiskLayout(tree)
        var used: [Range<Int64>] = [0..<4096]
        for id in layout.directories.map(\.inode) + layout.others + layout.files {
            let place = layout[id]
            let record = Int64(layout.record(of: id).bytes.count)
            let tail = place.byteCount - place.bytesInBlocks
            used.append(place.position..<(place.position + record + tail))
            if tail > 0 { #expect((place.position + record) / 4096 == (place.position + record + tail - 1) / 4096) }
            #expect(place.position % 32 == 0)
            if place.bytesInBlocks > 0 {
                let start = layout.contentOffset(of: id)
                used.append(start..<(start + (place.bytesInBlocks + 4095) / 4096 * 4096))
            }
        }
        used.sort { $0.lowerBound < $1.lowerBound }
        for (one, next) in zip(used, used.dropFirst()) { #expect(one.upperBound <= next.lowerBound) }
        #expect(try #require(used.last).upperBound <= layout.byteCount)
    }

    @Test("A directory's names are sorted by bytes, including the dots, and each block has their number")
    func directoryOrder() throws {
        let names = ["!before", "-dash", "zlast", "é", "a", "a.b", "ab", ".hidden", "..."]
        let layout = try DiskLayout(tree(names.map { try entry($0, .file(size: 0)) }))
        let root = try #require(layout.directories.first)
        let sorted = ["!before", "-dash", ".", "..", "...", ".hidden", "a", "a.b", "ab", "zlast", "é"]
        #expect(root.blocks.entries.map(\.name) == sorted.map { Array($0.utf8) })
        let content = layout.content(of: root)
        #expect(Int(content[8]) | Int(content[9]) << 8 == 12 * sorted.count)
        #expect(content.suffix(2).elementsEqual("é".utf8))
    }

    @Test("A directory has two links and one for each directory inside; a hard link counts for its file")
    func links() throws {
        var entries = try ["a", "a/b", "a/c", "d"].map { try entry($0, .directory) } + [entry("d/f", .file(size: 9))]
        entries.append(LayerEntry(try ImagePath("g"), .link(to: try ImagePath("d/f"))))
        let tree = try tree(entries)
        let layout = try DiskLayout(tree)
        for (path, count) in [("", 4), ("a", 4), ("a/b", 2), ("d", 2), ("d/f", 2)] {
            let node = try #require(tree.node(at: try ImagePath(path)))
            #expect(layout[tree[node: node].inode].linkCount == count, "\(path)")
        }
        #expect(layout.inodeCount == 6)
    }

    @Test(
        "A file that no file system can store is refused with its path",
        arguments: [
            ("a/" + String(repeating: "n", count: 256), .file(size: 0), 0), ("l", .symlink(target: []), 0),
            ("l", .symlink(target: [UInt8](repeating: 97, count: 4096)), 0), ("l", .symlink(target: [97, 0, 97]), 0),
            ("c", .characterDevice(major: 4096, minor: 0), 0), ("b", .blockDevice(major: 0, minor: 1 << 20), 0),
            ("x", .fifo, 5), ("n", .file(size: -1), 0),
        ] as [(String, FileKind, Int)])
    func refused(path: String, kind: FileKind, largeAttributes: Int) throws {
        var xattrs: [String: [UInt8]] = [:]
        for index in 0..<largeAttributes { xattrs["user.\(index)"] = [UInt8](repeating: 0, count: 60_000) }
        let tree = try tree([entry(path, kind, xattrs: xattrs)])
        let error = #expect(throws: DiskError.self) { try DiskLayout(tree) }
        guard case .unrepresentable(let found, _) = error else {
            return #expect(Bool(false), "\(String(describing: error))")
        }
        #expect(found == (try ImagePath(path)))
    }

    @Test("Content beyond 16 TiB is refused, for any number of files", arguments: [1, 2, 4096])
    func tooLarge(count: Int) throws {
        let size = Int64(1 << 62) - 1
        let tree = try tree((0..<count).map { try entry("f\($0)", .file(size: size)) })
        #expect(throws: DiskError.tooLarge(limit: Int64(UInt32.max) * 4096)) { try DiskLayout(tree) }
    }
}

@Suite("The parts of a disk")
struct RecordTests {
    @Test("The check sum is Castagnoli's, not inverted")
    func checksum() { #expect(crc32c("123456789".utf8) == ~0xE306_9283) }

    @Test(
        "An attribute is kept if the kernel supports its kind",
        arguments: [
            ("user.a", 1, "a"), ("trusted.b", 4, "b"), ("security.capability", 6, "capability"),
            ("system.posix_acl_access", 2, ""), ("system.posix_acl_default", 3, ""),
        ] as [(String, UInt8, String)])
    func attribute(name: String, code: UInt8, rest: String) {
        let attributes = Attributes([name: [7, 8]])
        #expect(attributes.omitted == [])
        #expect(attributes.bytes.count % 4 == 0)
        #expect(Int(attributes.units) == (attributes.bytes.count - 12) / 4 + 1)
        #expect(attributes.bytes[12..<16].elementsEqual([UInt8(rest.utf8.count), code, 2, 0]))
        #expect(attributes.bytes[16...].starts(with: Array(rest.utf8) + [7, 8]))
    }

    @Test("An attribute with an empty value is kept")
    func emptyAttribute() {
        #expect(Attributes(["user.a": []]).bytes.suffix(8).elementsEqual([1, 1, 0, 0, UInt8(ascii: "a"), 0, 0, 0]))
    }

    @Test(
        "An attribute that no kernel can read back is reported and left out",
        arguments: [
            "user.", "com.apple.quarantine", "system.other", "system.posix_acl_access.x", "",
            "user." + String(repeating: "n", count: 251),
        ])
    func omitted(name: String) {
        let attributes = Attributes([name: [1]])
        #expect(attributes.bytes.isEmpty && attributes.units == 0)
        #expect(attributes.omitted == [name])
    }

    @Test("An inode keeps nanoseconds, times before 1970, large owners and device numbers")
    func inode() {
        let record = InodeRecord(
            kind: .characterDevice(major: 0x123, minor: 0xABCDE),
            metadata: FileMetadata(
                mode: 0o4755, uid: 0xFFFF_FFFE, gid: 70_000, mtime: FileTime(seconds: -2, nanoseconds: 999_999_999)),
            byteCount: 0, isInline: false, block: 0, number: 5, linkCount: 70_000
        ).bytes
        #expect(record.count == 64)
        #expect(Array(record[0..<6]) == [1, 0, 0, 0, 0xED, 0x29])
        #expect(Array(record[16..<20]) == [0xDE, 0x23, 0xC1, 0xAB])
        #expect(Array(record[24..<32]) == [0xFE, 0xFF, 0xFF, 0xFF, 0x70, 0x11, 1, 0])
        #expect(
            Array(record[32..<48]) == [0xFE] + [UInt8](repeating: 0xFF, count: 7) + [
                0xFF, 0xC9, 0x9A, 0x3B, 0x70, 0x11, 1, 0,
            ])
    }
}

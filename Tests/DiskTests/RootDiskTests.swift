import Glibc
import Linux
import OCI
import Support
import SystemPackage
import Testing

@testable import Disk

private func made(
    _ path: String, _ kind: FileKind, mode: UInt16 = 0o644, owner: UInt32 = 0, seconds: Int64 = 1_600_000_000,
    xattrs: [String: [UInt8]] = [:], content: [UInt8] = []
) throws -> (LayerEntry, [UInt8]) {
    let metadata = FileMetadata(
        mode: mode, uid: owner, gid: owner, mtime: FileTime(seconds: seconds), xattrs: xattrs)
    return (LayerEntry(try ImagePath(path), .add(kind), metadata), content)
}

private func text(_ path: String, size: Int, seconds: Int64 = 1_600_000_000) throws -> (LayerEntry, [UInt8]) {
    let content = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 + path.utf8.count) }
    return try made(path, .file(size: Int64(size)), seconds: seconds, content: content)
}

/// Images that a writer of file systems might get wrong.
enum EdgeCaseImages: String, CaseIterable {
    case empty, sizes, kinds, attributes, longNames, hugeDirectory, layers

    func layers() throws -> [[(LayerEntry, [UInt8])]] {
        let root = try made("", .directory, mode: 0o755)
        switch self {
        case .empty: return [[root]]
        case .sizes:
            let sizes = [0, 1, 2048, 4031, 4032, 4033, 4095, 4096, 4097, 8128, 8129, 262_143, 262_144, 1_000_003]
            return [[root] + (try sizes.map { try text("f\($0)", size: $0, seconds: Int64($0)) })]
        case .kinds:
            return [
                [
                    root, try made("dev", .directory, mode: 0o1777, owner: 4_000_000_000),
                    try made("dev/c", .characterDevice(major: 4095, minor: 0xFFFFF), mode: 0o600),
                    try made("dev/b", .blockDevice(major: 8, minor: 1), mode: 0o660, owner: 6),
                    try made("dev/p", .fifo, mode: 0o622),
                    try made("dev/l", .symlink(target: Array("../x".utf8)), mode: 0o777),
                    try made("dev/long", .symlink(target: [UInt8](repeating: 120, count: 4095)), mode: 0o777),
                    try made("suid", .file(size: 3), mode: 0o6755, seconds: -86_400, content: Array("abc".utf8)),
                    try hardLink("dev/suid", "suid"), try hardLink("c2", "dev/c"), try hardLink("l2", "dev/l"),
                    try text("late", size: 77, seconds: 8_000_000_000),
                ]
            ]
        case .attributes:
            let capability: [UInt8] = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
            let big = [UInt8](repeating: 66, count: 3900)
            let xattrs: [String: [UInt8]] = ["user.a": [9], "user.b": [0, 1, 255], "trusted.t": Array("t".utf8)]
            return [
                [
                    root, try made("d", .directory, mode: 0o755, xattrs: xattrs),
                    try made(
                        "d/cap", .file(size: 4), mode: 0o755, xattrs: ["security.capability": capability],
                        content: [1, 2, 3, 4]),
                    try made("d/big", .file(size: 500), xattrs: ["user.big": big], content: big.prefix(500) + []),
                    try made(
                        "d/many", .file(size: 500),
                        xattrs: xattrs.merging(["user.big": Array(big.prefix(3000))]) { $1 },
                        content: big.prefix(500) + []),
                    try made("d/l", .symlink(target: Array("big".utf8)), mode: 0o777, xattrs: ["trusted.l": big]),
                ]
            ]
        case .longNames:
            let names = (0..<40).map { String(repeating: "n", count: 254) + String(UnicodeScalar(UInt8(48 + $0))) }
            let deep = (1...30).map { depth in (0..<depth).map { "deep\($0)" }.joined(separator: "/") }
            return [
                [root] + (try deep.map { try made($0, .directory, mode: 0o755) })
                    + (try names.filter { !$0.contains("/") }.map { try text($0, size: 5) })
            ]
        case .hugeDirectory:
            let files = try (0..<600).map { try text("d/\($0)-" + String(repeating: "x", count: $0 % 200), size: 0) }
            return [[root, try made("d", .directory, mode: 0o755)] + files]
        case .layers:
            return [
                [root, try made("d", .directory, mode: 0o755), try text("d/a", size: 9000), try text("d/b", size: 10)],
                [root, try made("d", .directory, mode: 0o700), try text("d/b", size: 70_000), try whiteout("d/a")],
                [root, try text("c", size: 4097), try hardLink("e", "c")],
            ]
        }
    }
}

@Suite("The root disk")
struct RootDiskTests {
    private let workspace: Workspace

    init() throws { workspace = try Workspace() }

    private func write(_ image: Image, as name: String = "disk") async throws -> RootDisk {
        try await RootDisk.write(image, tree: image.tree(), to: workspace.path.appending(name))
    }

    @Test(
        "fsck.erofs reports no fault", .enabled(if: DiskCheckers.has("fsck.erofs"), "erofs-utils is absent"),
        arguments: EdgeCaseImages.allCases)
    func isSound(tricky: EdgeCaseImages) async throws {
        let disk = try await write(workspace.image(tricky.layers()))
        try DiskCheckers.run("fsck.erofs", "--extract", disk.path.string)
        #expect(disk.byteCount % 4096 == 0)
        #expect(try OwnedDescriptor(disk.path).size() == disk.byteCount)
    }

    @Test(
        "A mounted disk equals umoci's unpacked files",
        .enabled(if: DiskCheckers.canMount && DiskCheckers.has("umoci"), "needs root, EROFS in the kernel and umoci"),
        arguments: EdgeCaseImages.allCases)
    func equalsUnpacked(tricky: EdgeCaseImages) async throws {
        let image = try workspace.image(tricky.layers())
        let disk = try await write(image)
        let layout = workspace.path.appending("layout").string
        let bundle = workspace.path.appending("bundle").string
        try OCI.Layout.write(ImageSet(image), to: FilePath(layout), tag: "t")
        try DiskCheckers.run("umoci", "--log=error", "unpack", "--image", layout + ":t", bundle)
        let unpacked = try Snapshot(of: FilePath(bundle + "/rootfs"), withAttributes: tricky == .attributes)
        let mounted = try DiskCheckers.mounted(disk.path) {
            try Snapshot(of: $0, withAttributes: tricky == .attributes)
        }
        #expect(mounted.differences(from: unpacked) == [])
        #expect(mounted.files.isEmpty == false)
    }

    @Test(
        "A mounted disk equals the directory that GNU tar packed, to the nanosecond",
        .enabled(if: DiskCheckers.canMount, "needs root and EROFS in the kernel"))
    func equalsOriginal() async throws {
        let origin = workspace.path.appending("origin").string
        try DiskCheckers.run(
            "sh", "-ec",
            """
            mkdir -p \(origin)/a/b; cd \(origin)
            head -c 100000 /dev/urandom > a/random; echo small > a/b/small; : > empty
            ln a/random hard; ln -s a/random soft; mkfifo a/pipe; mknod a/null c 1 3
            touch -d '1999-12-31 23:59:59.123456789' a/random; touch -d '1960-02-03 04:05:06.5' a/b/small
            touch -h -d '2030-01-01 00:00:00.000000001' soft; chown 12345:54321 a/b; chmod 2750 a/b
            touch -d '2001-01-01 00:00:00.987654321' a/b .
            tar --format=posix --xattrs -cf ../origin.tar .
            """)
        let writer = try LayerWriter(into: workspace.store)
        let bytes = try Directory(workspace.path).contents(of: "origin.tar", limit: 1 << 24)
        let image = Image.scratch(.host, in: workspace.store)
            .appending(try writer.copy(tar: MemorySource(bytes)), history: History(created: nil, createdBy: "tar"))
        let disk = try await write(image)
        let mounted = try DiskCheckers.mounted(disk.path) { try Snapshot(of: $0, withAttributes: true) }
        #expect(mounted.differences(from: try Snapshot(of: FilePath(origin), withAttributes: true)) == [])
    }

    @Test(
        "A disk that is written twice is the same, byte for byte", arguments: EdgeCaseImages.allCases)
    func isReproducible(tricky: EdgeCaseImages) async throws {
        let image = try workspace.image(tricky.layers())
        let one = try await write(image, as: "one")
        let other = try await write(image, as: "other")
        #expect(try digest(one) == digest(other))
        let elsewhere = try Workspace()
        let again = try elsewhere.image(tricky.layers())
        let third = try await RootDisk.write(again, tree: again.tree(), to: elsewhere.path.appending("third"))
        #expect(try digest(third) == digest(one))
    }

    @Test("After an error in a damaged layer only the old disk remains", arguments: [true, false])
    func damaged(isTruncated: Bool) async throws {
        let image = try workspace.image([[text("first", size: 100), text("second", size: 500_000)]])
        let tree = try await image.tree()
        try workspace.write("disks/disk", "old")
        let blob = workspace.store.path.appending("blobs/sha256/\(image.layers[0].descriptor.digest.hex)")
        let file = try OwnedDescriptor(blob, .readWrite)
        if isTruncated {
            try file.truncate(to: file.size() - 10)
        } else {
            let last = try file.read(1, at: file.size() - 1)
            try unsafe file.write([last[0] ^ 1].span.bytes, at: file.size() - 1)
        }
        let target = workspace.path.appending("disks/disk")
        await #expect(throws: OCIError.self) { try await RootDisk.write(image, tree: tree, to: target) }
        let directory = try Directory(workspace.path.appending("disks"))
        #expect(try directory.entries().map(\.name) == [Array("disk".utf8)])
        #expect(try directory.contents(of: "disk", limit: 100) == Array("old".utf8))
    }

    @Test("The tree of another image is refused")
    func foreignTree() async throws {
        let image = try workspace.image([[text("a", size: 100)]])
        let others = [
            [[try text("b", size: 100)]], [[try text("a", size: 99)]], [[], [try text("a", size: 100)]],
            [[try text("x", size: 0), try text("a", size: 100)]],
        ]
        for layers in others {
            let tree = try await workspace.image(layers).tree()
            await #expect(throws: DiskError.self) {
                try await RootDisk.write(image, tree: tree, to: workspace.path.appending("disk"))
            }
        }
    }

    @Test("Attributes that Linux doesn't know are reported")
    func omitted() async throws {
        let disk = try await write(
            workspace.image([[made("f", .file(size: 0), xattrs: ["com.apple.x": [1], "user.y": [2]])]]))
        #expect(disk.omittedAttributes.map { "\($0.path) \($0.attribute)" } == ["/f com.apple.x"])
    }

    private func digest(_ disk: RootDisk) throws -> Digest {
        Digest(of: try OwnedDescriptor(disk.path).readAll(limit: 1 << 30))
    }
}

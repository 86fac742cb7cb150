import Linux
import OCI
import Support
import Synchronization
import SystemPackage
import Testing

@testable import ImageFiles

@Suite("Kept facts of layers")
struct KeptFactsTests {
    private let workspace: Workspace

    init() throws { workspace = try Workspace() }

    /// A source that counts the openings of layers.
    private final class CountingSource: BlobSource {
        private let source: any BlobSource
        private let openings = Mutex(0)

        init(_ source: any BlobSource) { self.source = source }

        var count: Int { openings.withLock { $0 } }

        func open(_ blob: Descriptor) throws -> any ByteSource {
            if blob.mediaType.description.contains("layer") { openings.withLock { $0 += 1 } }
            return try source.open(blob)
        }
    }

    private struct Scan: ContentScan {
        var bytes: [UInt8] = []
        mutating func receive(_ chunk: ArraySlice<UInt8>) { bytes += chunk }
        mutating func finish() -> [TextSearch.Match] {
            bytes.hasPrefix("gone") ? [TextSearch.Match(rule: "r", line: 1, member: "m")] : []
        }
    }

    private static func search(_ rules: String) -> TextSearch { TextSearch(identity: rules) { _, _ in Scan() } }

    private func image(_ change: String = "go") throws -> Image {
        var odd = try file("odd \u{FF}", "x")
        odd.0.metadata = FileMetadata(
            mode: 0o4755, uid: 1 << 31, gid: 7, mtime: FileTime(seconds: -5, nanoseconds: 9),
            xattrs: ["user.a": [0, 255]])
        return try workspace.image([
            [
                odd, directory("d", mode: 0o1777), symlink("l", "/d"), hardLink("h", "odd \u{FF}"), file("old", "gone"),
                (LayerEntry(try ImagePath("n"), .add(.characterDevice(major: 5, minor: 1))), []),
                (LayerEntry(try ImagePath("b"), .add(.blockDevice(major: 7, minor: 300))), []),
                (LayerEntry(try ImagePath("p"), .add(.fifo)), []), file("d/x", "1"),
                file("var/lib/dpkg/status", "Package: a\nVersion: 1\nStatus: install ok installed\n"),
                file("a/__pycache__/b.cpython-311.pyc", "0123456789abcdefghij"),
                file("n/node_modules/m/package.json", #"{"name":"m","version":"2","license":"MIT"}"#),
                file("c/conda-meta/a.json", #"{"name":"a","version":"1","size":9}"#),
            ],
            [whiteout("old"), (LayerEntry(try ImagePath("d"), .clear), []), file(change, "#!/bin/sh\n", mode: 0o755)],
        ])
    }

    /// Reads an image, and returns its files and the number of layers that were opened.
    private func read(_ image: Image, _ rules: String = "r") async throws -> (files: ImageFiles, opened: Int) {
        let source = CountingSource(workspace.store)
        let image = try Image(manifest: workspace.store.publish(image, as: nil), in: source)
        let files = try await ImageFiles(
            of: image, search: Self.search(rules), readsPrograms: false, keptIn: workspace.store)
        return (files, source.count)
    }

    private func openedLayers(_ image: Image, _ rules: String = "r") async throws -> Int {
        try await read(image, rules).opened
    }

    @Test("A second reading opens no layer and finds the same")
    func again() async throws {
        let (first, opened) = try await read(image())
        let (second, reopened) = try await read(image())
        #expect(opened == 2 && reopened == 0 && first.matches == second.matches)
        for (left, right) in zip(first.tree.inodes, second.tree.inodes) {
            #expect(left.kind == right.kind && left.metadata == right.metadata && left.path == right.path)
            #expect(left.content == right.content && left.layer == right.layer && left.linkCount == right.linkCount)
        }
        #expect(first.tree.inodes.count == second.tree.inodes.count)
        #expect(first.texts == second.texts && first.bytecode == second.bytecode && first.npm == second.npm)
        #expect(first.packages == second.packages && first.packages.count == 1 && second.matches.count == 1)
        for inode in first.tree.inodes {
            #expect(first.packedSizes.bytes(of: inode) == second.packedSizes.bytes(of: inode))
        }
    }

    @Test("Only new layers are read, and all for other rules")
    func shared() async throws {
        #expect(try await openedLayers(image()) == 2)
        #expect(try await openedLayers(image()) == 0)
        #expect(try await openedLayers(image("other")) == 1)
        #expect(try await openedLayers(image(), "other rules") == 2)
    }

    @Test("Damaged facts are made again", arguments: ["", "x", "\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}"])
    func damaged(text: String) async throws {
        #expect(try await openedLayers(image()) == 2)
        let directory = try workspace.store.root.directory("thaw/layer-facts")
        for entry in try directory.entries() {
            try directory.replace(FilePath(bytes: entry.name), with: Array(text.utf8))
        }
        #expect(try await openedLayers(image()) == 2)
        #expect(try await openedLayers(image()) == 0)
    }

    @Test("Any cut or changed byte of facts ends in an error, not in a trap")
    func hostile() throws {
        let image = try image()
        let files = try LayerFiles(
            of: image.layers[0], in: image, WantedFacts(search: Self.search("r"), readsPrograms: false))
        let bytes = files.kept
        #expect(try LayerFiles(kept: bytes).kept == bytes)
        for index in bytes.indices {
            #expect(throws: DamagedFacts.self) { try LayerFiles(kept: Array(bytes[..<index])) }
            for value in [0, 0x7f, 0xff] as [UInt8] {
                var changed = bytes
                changed[index] = value
                _ = try? LayerFiles(kept: changed)
            }
        }
    }

    @Test("A collection removes the facts of layers that no image has, and df counts the rest")
    func prune() async throws {
        _ = try workspace.store.publish(image(), as: Reference("kept"))
        _ = try await openedLayers(image())
        _ = try await openedLayers(image("other"))
        #expect(try workspace.store.root.directory("thaw/layer-facts").entries().count == 3)
        _ = try workspace.store.collect()
        #expect(try workspace.store.root.directory("thaw/layer-facts").entries().count == 2)
        #expect(try workspace.store.usage().indexes.count >= 2)
        try workspace.store.remove(Reference("kept"))
        _ = try workspace.store.collect()
        #expect(try workspace.store.root.directory("thaw/layer-facts").entries().isEmpty)
    }
}

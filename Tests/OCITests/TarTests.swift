import Linux
import Support
import Testing

@testable import OCI

@Suite("Tar")
struct TarTests {
    private static func entries() throws -> [LayerEntry] {
        let long = String(repeating: "d/", count: 60) + String(repeating: "n", count: 200)
        var rich = FileMetadata(
            mode: 0o6755, uid: 3_000_000, gid: 4_000_000_000, mtime: FileTime(seconds: 1_700_000_000))
        rich.xattrs = ["security.capability": [1, 0, 0, 2, 0, 32], "user.note": Array("a\nb=c".utf8)]
        return [
            LayerEntry(try ImagePath("a"), .add(.directory), FileMetadata(mode: 0o1777)),
            LayerEntry(try ImagePath("a/rich"), .add(.file(size: 3)), rich),
            LayerEntry(try ImagePath(long), .add(.file(size: 0)), FileMetadata(mode: 0o644)),
            LayerEntry(
                try ImagePath("link"), .add(.symlink(target: Array(String(repeating: "t", count: 300).utf8))),
                FileMetadata(mode: 0o777)),
            LayerEntry(try ImagePath("hard"), .link(to: try ImagePath("a/rich"))),
            LayerEntry(try ImagePath("null"), .add(.characterDevice(major: 1, minor: 3)), FileMetadata(mode: 0o666)),
            LayerEntry(try ImagePath("disk"), .add(.blockDevice(major: 8, minor: 17)), FileMetadata(mode: 0o660)),
            LayerEntry(try ImagePath("pipe"), .add(.fifo), FileMetadata(mode: 0o600)),
            LayerEntry(try ImagePath(entry: [0xff, 0xfe, 0x80]), .add(.file(size: 0)), FileMetadata(mode: 0o644)),
            LayerEntry(
                try ImagePath("old"), .add(.directory), FileMetadata(mode: 0o755, mtime: FileTime(seconds: -5))),
            LayerEntry(try ImagePath("a/gone"), .remove),
            LayerEntry(try ImagePath("a"), .clear),
        ]
    }

    private static func write(_ entries: [LayerEntry]) throws -> [UInt8] {
        let sink = MemorySink()
        let writer = TarWriter(sink)
        for entry in entries {
            try writer.add(entry)
            try writer.write([UInt8](repeating: 120, count: Int(entry.size))[...])
        }
        try writer.finish()
        return sink.bytes
    }

    private static func read(_ bytes: [UInt8]) throws -> [LayerEntry] {
        let reader = TarReader(MemorySource(bytes), layer: "test")
        var entries: [LayerEntry] = []
        while let entry = try reader.next() { entries.append(entry) }
        return entries
    }

    @Test("Entries are read as they were written, with any names, numbers and attributes")
    func roundTrip() throws {
        let entries = try Self.entries()
        let back = try Self.read(Self.write(entries))
        #expect(back.map(\.path) == entries.map(\.path))
        #expect(back.map(\.change) == entries.map(\.change))
        let whole = entries.indices.filter { if case .add = entries[$0].change { true } else { false } }
        for index in whole { #expect(back[index].metadata == entries[index].metadata) }
    }

    @Test("A tar cut anywhere inside is an error, never a shorter layer")
    func truncated() throws {
        let bytes = try Self.write([try file("a", "hello").0, try file("b", "world").0])
        for cut in [1, 100, 511, 513, 600, 1023, 1025] {
            #expect(throws: OCIError.self) { try Self.read(Array(bytes[..<cut])) }
        }
    }

    @Test("A header that is damaged anywhere is refused")
    func damaged() throws {
        let bytes = try Self.write([try file("a", "hello").0])
        for position in [0, 50, 100, 124, 148, 156, 257] {
            var damaged = bytes
            damaged[position] ^= 0x15
            #expect(throws: OCIError.self) { try Self.read(damaged) }
        }
    }

    @Test("Names that leave the root are refused", arguments: ["../x", "a/../../x", "/../x", "a/b/../../../x"])
    func hostileNames(name: String) throws {
        var bytes = try Self.write([LayerEntry(try ImagePath("placeholder"), .add(.fifo), FileMetadata(mode: 0))])
        bytes.replaceSubrange(0..<100, with: Array(name.utf8) + [UInt8](repeating: 0, count: 100 - name.utf8.count))
        bytes.replaceSubrange(148..<156, with: Array("        ".utf8))
        let sum = bytes[..<512].reduce(0) { $0 + Int($1) }
        let digits = String(sum, radix: 8)
        bytes.replaceSubrange(
            148..<156, with: Array((String(repeating: "0", count: 6 - digits.count) + digits + "\0 ").utf8))
        #expect {
            try Self.read(bytes)
        } throws: { error in
            "\(error)".contains(name) && "\(error)".contains("leaves the root")
        }
    }

    @Test("Random bytes never trap")
    func random() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let bytes = (0..<2048).map { _ in UInt8.random(in: 0...255, using: &generator) }
            _ = try? Self.read(bytes)
        }
    }

    @Test("Flipping any bit of a header either fails or reads: it never traps")
    func flipped() throws {
        let bytes = try Self.write(Self.entries())
        for position in stride(from: 0, to: bytes.count, by: 7) {
            var damaged = bytes
            damaged[position] ^= UInt8(1 << (position % 8))
            _ = try? Self.read(damaged)
        }
    }
}

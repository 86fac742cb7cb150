import Linux
import Support
import Testing

@testable import OCI

/// The digests of a tar and of the files in it, computed in one pass.
@Suite("Digests in one pass")
struct TarHasherTests {
    /// Bytes that differ everywhere.
    private static func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ $0 >> 8) }
    }

    @Test(
        "Both digests are those of their bytes, at any length, position and size of pieces",
        arguments: [1, 7, 64, 97, 4096])
    func digests(piece: Int) throws {
        for count in [0, 1, 55, 56, 63, 64, 65, 119, 120, 127, 128, 500, 5000] {
            for offset in [0, 1, 63, 64, 512] {
                let all = Self.bytes(offset + count + 77)
                let copy = MemorySink()
                let hasher = TarHasher(copy)
                try hasher.write(all[..<offset])
                hasher.startContent(size: Int64(count))
                for start in stride(from: offset, to: all.count, by: piece) {
                    try hasher.write(all[start..<min(start + piece, all.count)])
                }
                #expect(
                    hasher.contentDigest == Digest(of: Array(all[offset..<offset + count])), "\(count) at \(offset)")
                #expect(hasher.digest == Digest(of: all))
                #expect(copy.bytes == all)
            }
        }
    }

    @Test("A layer has its bytes in order, at any size of pieces", arguments: [OCI.Compression.uncompressed, .gzip])
    func pieces(compression: OCI.Compression) throws {
        for size in [1, 100_000, 131_072, 131_073, 200_000, 262_144, 262_145, 400_000] {
            let space = try Workspace()
            let writer = try LayerWriter(into: space.store, compression: compression)
            for name in ["a", "b"] {
                let (entry, content) = try file(name, Self.bytes(700_000))
                try writer.add(entry)
                for start in stride(from: 0, to: content.count, by: size) {
                    if size == 1, start > 2 {
                        try writer.write(content[start...])
                        break
                    }
                    try writer.write(content[start..<min(start + size, content.count)])
                }
            }
            let layer = try writer.finish()
            let blob = try Array(space.store.read(layer.descriptor))
            #expect(Digest(of: blob) == layer.descriptor.digest, "pieces of \(size) bytes")
        }
    }

    @Test("A layer's writer gives the digest of each file", arguments: [OCI.Compression.uncompressed, .gzip])
    func contents(compression: OCI.Compression) throws {
        let space = try Workspace()
        let writer = try LayerWriter(into: space.store, compression: compression)
        writer.hashesContents = true
        for count in [0, 3, 512, 100_000] {
            let (entry, content) = try file("f\(count)", Self.bytes(count))
            try writer.add(entry)
            try writer.write(content[...])
            #expect(writer.contentDigest == Digest(of: content))
        }
        let layer = try writer.finish()
        #expect((layer.diffID == layer.descriptor.digest) == (compression == .uncompressed))
        _ = try space.store.entries(of: layer, in: Image.scratch(.host, in: space.store))
    }
}

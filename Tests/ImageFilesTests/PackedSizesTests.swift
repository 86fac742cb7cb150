import Support
import Testing

@testable import ImageFiles
@testable import OCI

/// The compressed bytes of single files.
@Suite struct PackedSizesTests {
    private static func noise(_ count: Int) -> [UInt8] {
        var random = SplitMix(seed: 7)
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    @Test(
        "A file costs the bytes that it takes in the stream, not its share of the files",
        arguments: [Compression.gzip, .zstd, .uncompressed])
    func shares(compression: Compression) async throws {
        let workspace = try Workspace()
        let zeros = [UInt8](repeating: 0, count: 4 << 20)
        let image = try workspace.image(
            [[file("zeros", zeros), file("noise", Self.noise(1 << 20)), file("more", zeros)]], compression: compression)
        let files = try await ImageFiles(of: image, readsPrograms: false)
        func size(_ path: String) throws -> Double {
            let inode = try #require(files.tree.inode(at: ImagePath(path)))
            return try #require(files.packedSizes.bytes(of: inode))
        }
        let all = try size("zeros") + size("noise") + size("more")
        // The end of the tar and the frames of the compression belong to no file.
        #expect(abs(all - Double(image.compressedSize)) < 20_000)
        if compression == .uncompressed {
            #expect(try size("zeros") == Double(4 << 20 + 512))
        } else {
            #expect(try size("zeros") < 400_000 && size("more") < 400_000)
            #expect(try size("noise") > 900_000)
        }
    }

    @Test("An offset between two marks has its part of their distance, and one behind the last has its end")
    func map() {
        let map = CompressionMap()
        #expect(map.packedBytes(from: 0, to: 100) == 0)
        map.add(plain: 100, packed: 10)
        map.add(plain: 200, packed: 110)
        #expect(map.packedBytes(from: 0, to: 100) == 10 && map.packedBytes(from: 50, to: 150) == 55)
        #expect(map.packedBytes(from: 150, to: 900) == 50 && map.packedBytes(from: 200, to: 100) == 0)
    }
}

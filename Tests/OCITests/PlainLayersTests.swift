import OCI
import Support
import Synchronization
import SystemPackage
import Testing

@Suite("Plain layers")
struct PlainLayersTests {
    /// A source that counts the openings of all blobs.
    private final class CountingSource: BlobSource {
        private let source: any BlobSource
        private let opened = Mutex(0)
        var count: Int { opened.withLock(\.self) }

        init(_ source: any BlobSource) { self.source = source }

        func open(_ blob: Descriptor) throws -> any ByteSource {
            opened.withLock { $0 += 1 }
            return try source.open(blob)
        }
    }

    private static func names(_ image: Image) throws -> [String] {
        try image.layers.flatMap { layer in
            let reader = try image.open(layer)
            var names: [String] = []
            while let entry = try reader.next() {
                var bytes: [UInt8] = []
                try reader.readContent { bytes += $0 }
                names.append("\(entry.path) \(Digest(of: bytes))")
            }
            return names
        }
    }

    @Test("A layer is opened once however often it is read, and always has the same entries")
    func once() throws {
        let workspace = try Workspace()
        let large = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 3) }
        let image = try workspace.image([[file("a", "1"), file("b", large)], [file("c", "3")]])
        let source = CountingSource(workspace.store)
        let plain = image.reading(from: PlainLayers(source, in: "/var/tmp"))
        let expected = try Self.names(image)
        for _ in 0..<3 { #expect(try Self.names(plain) == expected) }
        #expect(source.count == 2)
        #expect(plain.descriptor == image.descriptor)
    }

    @Test("A layer that was not read to its end is opened again")
    func partial() throws {
        let workspace = try Workspace()
        let source = CountingSource(workspace.store)
        let plain = try workspace.image([[file("a", "1")]]).reading(from: PlainLayers(source, in: "/var/tmp"))
        _ = try plain.open(plain.layers[0]).next()
        #expect(try Self.names(plain).count == 1)
        #expect(source.count == 2)
    }

    @Test("Without a place for the files each reader reads the blob")
    func noPlace() throws {
        let workspace = try Workspace()
        let source = CountingSource(workspace.store)
        let plain = try workspace.image([[file("a", "1")]]).reading(from: PlainLayers(source, in: "/proc"))
        for _ in 0..<2 { #expect(try Self.names(plain).count == 1) }
        #expect(source.count == 2)
    }

    @Test("A damaged layer is an error for every reader")
    func damaged() throws {
        let workspace = try Workspace()
        let (one, two) = (try workspace.image([[file("a", "1")]]), try workspace.image([[file("b", "2")]]))
        let wrong = Layer(descriptor: one.layers[0].descriptor, diffID: two.layers[0].diffID)
        let image = one.replacingLayers([wrong], history: []).reading(
            from: PlainLayers(workspace.store, in: "/var/tmp"))
        for _ in 0..<2 { #expect(throws: OCIError.self) { try Self.names(image) } }
    }
}

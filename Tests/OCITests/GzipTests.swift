import Linux
import Support
import SystemPackage
import Testing

@testable import OCI

@Suite("Gzip")
struct GzipTests {
    /// Bytes in chunks of one size.
    private final class ChoppedSource: ByteSource {
        private var bytes: ArraySlice<UInt8>
        private let size: Int

        init(_ bytes: ArraySlice<UInt8>, size: Int) { (self.bytes, self.size) = (bytes, size) }

        func next() -> [UInt8] {
            defer { bytes = bytes.dropFirst(size) }
            return Array(bytes.prefix(size))
        }
    }

    /// The SHA-256 of what a stream holds, or 64 times x where it is none.
    private static func verdict(_ stream: ArraySlice<UInt8>, chunk: Int) throws -> String {
        let source = AheadSource(
            try decompressing(ChoppedSource(stream, size: chunk), .gzip, name: "a stream"))
        var hasher = Digest.Hasher()
        do {
            while true {
                let bytes = try source.next()
                if bytes.isEmpty { return hasher.finalize().hex }
                hasher.update(bytes)
            }
        } catch is OCIError {
            return String(repeating: "x", count: 64)
        }
    }

    @Test(
        "Whole and damaged streams are to us what they are to zlib, in chunks of any size",
        arguments: [1, 7, 100, 4096, 1 << 20])
    func agreesWithZlib(chunk: Int) throws {
        let space = try Workspace()
        let file = space.path.appending("cases").string
        let script = FilePath(#filePath).removingLastComponent().pushing("../../fixtures/gzip/cases.py").string
        #expect(
            Spawn.wait(try Spawn.start(["python3", script, "\(chunk)", "60", file], streams: [nil, nil, 2])).status == 0
        )
        var rest = try OwnedDescriptor(FilePath(file)).readAll(limit: 1 << 28)[...]
        var verdicts: Set<Bool> = []
        while rest.count >= 4 {
            let count = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            let stream = rest.dropFirst(4).prefix(count)
            let expected = String(decoding: rest.dropFirst(4 + count).prefix(64), as: UTF8.self)
            rest = rest.dropFirst(4 + count + 64)
            #expect(try Self.verdict(stream, chunk: chunk) == expected)
            verdicts.insert(expected.hasPrefix("x"))
        }
        #expect(verdicts == [true, false])
    }

    /// A source that gives the same chunk without end, and tells how often.
    private final class EndlessSource: ByteSource, @unchecked Sendable {
        // Read only once the thread that writes it has ended.
        private(set) var count = 0
        func next() -> [UInt8] {
            count += 1
            return [1]
        }
    }

    @Test("A source that is read ahead is not read far ahead, and not at all once nobody wants it")
    func readsAhead() throws {
        let endless = EndlessSource()
        var source: AheadSource? = AheadSource(endless)
        for _ in 0..<10 { #expect(try source?.next() == [1]) }
        source = nil
        #expect((10...14).contains(endless.count))
    }

    @Test("The error of a source that is read ahead comes after what came before, and again")
    func errorsInOrder() throws {
        final class Failing: ByteSource {
            private var left = 3
            func next() throws -> [UInt8] {
                guard left > 0 else { throw OCIError.imageNotFound("a", store: "b") }
                left -= 1
                return [UInt8(left)]
            }
        }
        let source = AheadSource(Failing())
        #expect(try (0..<3).map { _ in try source.next() } == [[2], [1], [0]])
        for _ in 0..<2 { #expect(throws: OCIError.self) { try source.next() } }
    }
}

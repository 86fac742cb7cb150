import Linux
import Support
import SystemPackage
import Testing

@testable import OCI

@Suite("Gzip")
struct GzipTests {
    /// A source of bytes in chunks of one size.
    private final class ChoppedSource: ByteSource {
        private var bytes: ArraySlice<UInt8>
        private let size: Int

        init(_ bytes: ArraySlice<UInt8>, size: Int) { (self.bytes, self.size) = (bytes, size) }

        func next() -> [UInt8] {
            defer { bytes = bytes.dropFirst(size) }
            return Array(bytes.prefix(size))
        }
    }

    /// Returns the SHA-256 of a stream's content, or 64 times x if the stream is invalid.
    private static func verdict(_ stream: ArraySlice<UInt8>, chunk: Int) throws -> String {
        let source = ReadAheadSource(
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
        "Whole and damaged streams have the same result as with zlib, in chunks of any size",
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

    /// Makes a block with codes of its own, with `distances` distances that have words of one bit.
    private static func stream(distances: Int) -> [UInt8] {
        var bits: [UInt8] = []
        func put(_ value: Int, _ count: Int) { for bit in 0..<count { bits.append(UInt8(value >> bit & 1)) } }
        put(1 | 2 << 1, 3)
        put(0, 5)
        put(distances - 1, 5)
        put(14, 4)
        // The code of lengths: 0 for a run of zeros, 10 for a zero, 11 for a one.
        for index in 0..<18 { put([2: 1, 3: 2, 17: 2][index] ?? 0, 3) }
        // A word for the first byte, a word for the end.
        put(3, 2)
        for zeros in [138, 117] { put(0 | (zeros - 11) << 1, 8) }
        for _ in 0...distances { put(3, 2) }
        // The first byte, and the end.
        put(2, 2)
        // The sum of a single zero, and its length.
        return header + bytes(bits) + [0x8D, 0xEF, 0x02, 0xD2, 1, 0, 0, 0]
    }

    /// Packs bits into bytes, the lowest first.
    private static func bytes(_ bits: [UInt8]) -> [UInt8] {
        stride(from: 0, to: bits.count, by: 8).map { start in
            bits[start...].prefix(8).enumerated().reduce(0) { $0 | $1.element << $1.offset }
        }
    }

    private static let header: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]

    private static func gunzip(_ stream: [UInt8]) throws -> [UInt8] {
        let source = try decompressing(ChoppedSource(stream[...], size: 1 << 16), .gzip, name: "a stream")
        var whole: [UInt8] = []
        while true {
            let bytes = try source.next()
            if bytes.isEmpty { return whole }
            whole += bytes
        }
    }

    @Test("A code of one or two words of one bit is valid, one of three is not")
    func crowdedCode() throws {
        for count in 1...2 { #expect(try Self.gunzip(Self.stream(distances: count)) == [0]) }
        #expect(throws: OCIError.self) { try Self.gunzip(Self.stream(distances: 3)) }
    }

    @Test("A gzip stream begins with a member: an empty stream or padding is refused", arguments: [0, 1, 600])
    func beginsWithMember(zeros: Int) throws {
        let padding = [UInt8](repeating: 0, count: zeros)
        #expect(throws: OCIError.self) { try Self.gunzip(padding) }
        let member = Self.stream(distances: 1)
        #expect(try Self.gunzip(member + padding + member + padding) == [0, 0])
        if zeros > 0 { #expect(throws: OCIError.self) { try Self.gunzip(padding + member) } }
    }

    /// An endless member, of one block in the fixed codes, that repeats a byte 258 times in every 13 bits.
    private final class BombSource: ByteSource {
        private static let repetition: [UInt8] = [1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0]
        private let chunk = (0..<1000).flatMap { _ in GzipTests.bytes((0..<8).flatMap { _ in BombSource.repetition }) }
        private(set) var count = 0

        func next() -> [UInt8] {
            defer { count += chunk.count }
            let start: [UInt8] = [1, 1, 0] + [0, 0, 1, 1, 0, 0, 0, 0]
            return count > 0 ? chunk : GzipTests.header + GzipTests.bytes(start + Self.repetition) + chunk
        }
    }

    @Test("A small stream with a huge content is read in small pieces, and no further than a piece needs")
    func bomb() throws {
        let stream = BombSource()
        let source = GzipSource(stream, name: "a bomb")
        var (held, largest) = (0, 0)
        for _ in 0..<1000 {
            let piece = try source.next()
            #expect(!piece.isEmpty)
            held += piece.count
            largest = max(largest, piece.count)
            #expect(stream.count < held * 13 / (8 * 258) + (256 << 10))
        }
        #expect(held > 250 << 20)
        #expect(largest <= 320 << 10)
    }

    /// A source that returns the same chunk endlessly, and counts the calls.
    private final class EndlessSource: ByteSource, @unchecked Sendable {
        // Read only after the thread that writes it has ended.
        private(set) var count = 0
        func next() -> [UInt8] {
            count += 1
            return [1]
        }
    }

    @Test("A source is read only a few chunks ahead, and no longer after its reader is released")
    func readsAhead() throws {
        let endless = EndlessSource()
        var source: ReadAheadSource? = ReadAheadSource(endless)
        for _ in 0..<10 { #expect(try source?.next() == [1]) }
        source = nil
        #expect((10...14).contains(endless.count))
    }

    @Test("The error of a source that is read ahead follows the chunks before it, and repeats")
    func errorsInOrder() throws {
        final class Failing: ByteSource {
            private var left = 3
            func next() throws -> [UInt8] {
                guard left > 0 else { throw OCIError.imageNotFound("a", store: "b") }
                left -= 1
                return [UInt8(left)]
            }
        }
        let source = ReadAheadSource(Failing())
        #expect(try (0..<3).map { _ in try source.next() } == [[2], [1], [0]])
        for _ in 0..<2 { #expect(throws: OCIError.self) { try source.next() } }
    }
}

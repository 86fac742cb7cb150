import Probe
import Testing

@Suite("Stream digests")
struct StreamDigestTests {
    /// FIPS 180-4's examples, and lengths around a block.
    static let digests: [([UInt8], String)] = [
        ([], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (Array("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            [UInt8](repeating: 0x61, count: 64),
            "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"
        ),
        (
            [UInt8](repeating: 0x61, count: 100_000),
            "6d1cf22d7cc09b085dfc25ee1a1f3ae0265804c607bc2074ad253bcc82fd81ee"
        ),
    ]

    @Test("A stream digest has the SHA-256 of all bytes, in any pieces", arguments: digests, [1, 63, 64, 65, 16_384])
    func digest(example: ([UInt8], String), length: Int) {
        var hasher = StreamHasher()
        let (bytes, digest) = example
        for start in stride(from: 0, to: bytes.count, by: length) {
            hasher.receive(bytes[start..<min(start + length, bytes.count)])
        }
        let stream = hasher.stream
        let hex = stream.digest.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        #expect(hex == digest)
        #expect(stream.byteCount == UInt64(bytes.count))
        #expect(stream.prefix == Array(bytes.prefix(StreamDigest.prefixLimit)))
    }

    @Test("A stream is whole if its beginning is all of it")
    func whole() {
        #expect(StreamDigest(prefix: [1, 2], byteCount: 2).isWhole)
        #expect(!StreamDigest(prefix: [1, 2], byteCount: 3).isWhole)
        #expect(StreamDigest().isEmpty && StreamDigest().isWhole)
    }
}

internal import CArchive

/// A source that decompresses gzip (RFC 1952).
///
/// It has at least one member; members follow each other, each with any zero bytes as padding after it.
final class GzipSource: DecompressingSource {
    private let input: BitInput
    private let inflater: Inflater
    private let name: String
    private var isInMember = false
    private var hasMember = false
    private var checksum: UInt32 = 0
    private var count: UInt32 = 0

    var packedCount: Int64 { input.position }

    init(_ source: any ByteSource, name: String) {
        input = BitInput(source)
        inflater = Inflater(input)
        self.name = name
    }

    func next() throws -> [UInt8] {
        do {
            while true {
                if !isInMember, try !startMember() { return [] }
                let chunk = try inflater.next()
                if chunk.isEmpty {
                    try endMember()
                } else {
                    count &+= UInt32(truncatingIfNeeded: chunk.count)
                    checksum = Self.sum(chunk, after: checksum)
                    return chunk
                }
            }
        } catch Inflater.InflateFault.isTruncated {
            throw OCIError.malformedCompression(name, reason: "the gzip stream is truncated")
        } catch Inflater.InflateFault.isCorrupt {
            throw OCIError.malformedCompression(name, reason: "the gzip stream is corrupt")
        }
    }

    /// Reads a member's header; false at the end of the source.
    private func startMember() throws -> Bool {
        var first = try input.takeByte()
        while hasMember, first == 0 { first = try input.takeByte() }
        guard let first else {
            guard hasMember else { throw Inflater.InflateFault.isTruncated }
            return false
        }
        var header = Header(input, first)
        try header.read()
        (isInMember, hasMember, checksum, count) = (true, true, 0, 0)
        inflater.restart()
        return true
    }

    /// Compares the content with the check sum and the length after it.
    private func endMember() throws {
        isInMember = false
        let (sum, size) = (try input.takeNumber(4), try input.takeNumber(4))
        guard sum == Int(checksum), size == Int(count) else { throw Inflater.InflateFault.isCorrupt }
    }

    private static func sum(_ bytes: [UInt8], after sum: UInt32) -> UInt32 {
        unsafe bytes.withUnsafeBytes { unsafe libdeflate_crc32(sum, $0.baseAddress, $0.count) }
    }

    /// A member's header: ten bytes, and the fields that their flags announce.
    private struct Header {
        private let input: BitInput
        private var bytes: [UInt8]
        private var sum: UInt32 = 0

        init(_ input: BitInput, _ first: UInt8) {
            self.input = input
            bytes = [first]
        }

        mutating func read() throws {
            for _ in 1..<10 { try add() }
            let flags = bytes[3]
            guard bytes[0] == 0x1F, bytes[1] == 0x8B, bytes[2] == 8, flags & 0xE0 == 0 else {
                throw Inflater.InflateFault.isCorrupt
            }
            if flags & 4 != 0 {
                let count = Int(try add()) | Int(try add()) << 8
                for _ in 0..<count { try add() }
            }
            for text in [8, 16] as [UInt8] where flags & text != 0 { while try add() != 0 {} }
            if flags & 2 != 0 {
                settle()
                let expected = Int(sum & 0xFFFF)
                guard try input.takeNumber(2) == expected else { throw Inflater.InflateFault.isCorrupt }
            }
        }

        @discardableResult
        private mutating func add() throws -> UInt8 {
            let byte = UInt8(try input.takeNumber(1))
            if bytes.count == 4096 { settle() }
            bytes.append(byte)
            return byte
        }

        private mutating func settle() {
            sum = GzipSource.sum(bytes, after: sum)
            bytes = []
        }
    }
}

extension BitInput {
    /// Takes a number of whole bytes, the lowest first.
    fileprivate func takeNumber(_ byteCount: Int) throws -> Int {
        var number = 0
        for index in 0..<byteCount {
            guard let byte = try takeByte() else { throw Inflater.InflateFault.isTruncated }
            number |= Int(byte) << (8 * index)
        }
        return number
    }
}

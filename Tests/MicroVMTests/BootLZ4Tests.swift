import Harness
import SystemPackage
import Testing

@testable import MicroVM

@Suite struct BootLZ4Tests {
    /// Unpacks a frame; fails if a byte beyond the declared size is written.
    private func decode(_ bytes: [UInt8], _ count: Int) throws(LZ4Legacy.LZ4Fault) -> [UInt8] {
        var blocks = LZ4Legacy(byteCount: count)
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: min(count, LZ4Legacy.blockSize) + 64)
        while true {
            let limit = min(count - content.count, LZ4Legacy.blockSize)
            buffer.replaceSubrange(limit..<(limit + 64), with: [UInt8](repeating: 0xee, count: 64))
            defer { #expect(buffer[limit..<(limit + 64)].allSatisfy { $0 == 0xee }) }
            var span = buffer.mutableSpan
            var place = unsafe span.mutableBytes
            guard let size = try unsafe blocks.next(bytes.span.bytes, into: &place) else { return content }
            content += buffer[..<size]
        }
    }

    @Test("Copies that round up stay within the declared size", arguments: 0..<80)
    func edge(literals: Int) throws {
        let start = (0..<literals).map { UInt8($0) }
        let match: [UInt8] = literals < 16 ? [] : [16, 0]
        let block = LZ4Maker.length(literals) + start + match + (match.isEmpty ? [] : [0x50, 1, 2, 3, 4, 5])
        let repeated = match.isEmpty ? [] : Array(start[(literals - 16)...].prefix(4)) + [1, 2, 3, 4, 5]
        #expect(try decode(LZ4Maker.frame([block]), literals + repeated.count) == start + repeated)
    }

    @Test(
        "Data packed by lz4 is unpacked to the original",
        arguments: [0, 1, 15, 16, 300, 70_000, (8 << 20) - 1, 8 << 20, 17 << 20])
    func referee(count: Int) throws {
        let scratch = try TemporaryDirectory()
        var random = SystemRandomNumberGenerator()
        var content: [UInt8] = []
        content.reserveCapacity(count + 1000)
        while content.count < count {
            let run = Int.random(in: 1...1000, using: &random)
            switch UInt8.random(in: 0..<4, using: &random) {
            case 0: for _ in 0..<run { content.append(.random(in: 0 ... .max, using: &random)) }
            case 1: content += [UInt8](repeating: .random(in: 0 ... .max, using: &random), count: run)
            default:
                let distance = min(content.count, Int.random(in: 1...70_000, using: &random))
                if distance > 0 { for _ in 0..<run { content.append(content[content.count - distance]) } }
            }
        }
        content.removeLast(content.count - count)
        _ = try scratch.write("plain", content)
        for level in ["-1", "-9"] {
            try Program.shell("lz4 -q -f -l \(level) plain packed", in: scratch.path.string)
            #expect(try decode(scratch.read("packed"), count) == content)
        }
    }

    @Test("A match may overlap its own output", arguments: [1, 2, 3, 7, 8, 9, 16])
    func overlap(offset: Int) throws {
        let start = (0..<offset).map { UInt8($0 + 1) }
        let block = LZ4Maker.length(offset, low: 15) + start + [UInt8(offset), 0, 100] + [0x50] + [1, 2, 3, 4, 5]
        let expected = (0..<(offset + 119)).map { start[$0 % offset] } + [1, 2, 3, 4, 5]
        #expect(try decode(LZ4Maker.frame([block]), expected.count) == expected)
    }

    @Test(
        "Damaged data is refused",
        arguments: [
            ("nothing", [], 0, .notLZ4), ("another magic number", [4, 0x22, 0x4d, 0x18], 0, .notLZ4),
            ("half a size", LZ4Maker.frame([]) + [1, 0], 0, .damaged),
            ("a block longer than the rest", LZ4Maker.frame([]) + [9, 0, 0, 0, 0x10, 1], 1, .damaged),
            ("an empty block", LZ4Maker.frame([[]]), 0, .damaged),
            ("literals beyond the block", LZ4Maker.frame([[0x50, 1, 2]]), 8 << 20, .damaged),
            ("an offset of zero", LZ4Maker.frame([[0x10, 1, 0, 0, 0x10, 1]]), 8 << 20, .damaged),
            ("an offset before the start", LZ4Maker.frame([[0x10, 1, 2, 0, 0x10, 1]]), 8 << 20, .damaged),
            ("half an offset", LZ4Maker.frame([[0x10, 1, 1]]), 8 << 20, .damaged),
            ("a block that ends with a match", LZ4Maker.frame([[0x10, 1, 1, 0]]), 8 << 20, .damaged),
            ("a length without end", LZ4Maker.frame([[0xf0] + [UInt8](repeating: 255, count: 99)]), 8 << 20, .damaged),
            ("more than declared", LZ4Maker.frame([LZ4Maker.literals([1, 2, 3])]), 2, .otherSize),
            ("less than declared", LZ4Maker.frame([LZ4Maker.literals([1, 2, 3])]), 4, .otherSize),
            ("a match beyond the declared size", LZ4Maker.frame([[0x1f, 1, 1, 0, 255, 0]]), 20, .otherSize),
        ] as [(String, [UInt8], Int, LZ4Legacy.LZ4Fault)])
    func damaged(name: String, bytes: [UInt8], count: Int, fault: LZ4Legacy.LZ4Fault) {
        #expect(throws: fault, "\(name)") { try decode(bytes, count) }
    }

    @Test("Several frames may follow each other")
    func frames() throws {
        let one = LZ4Maker.frame([LZ4Maker.literals(Array(1...20))])
        #expect(try decode(one + one, 40) == Array(1...20) + Array(1...20))
    }
}

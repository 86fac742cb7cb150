/// A block of a DEFLATE stream (RFC 1951 section 3.2.3), after its header was read.
enum DeflateBlock {
    case stored(left: Int)
    case coded(literals: HuffmanTable, distances: HuffmanTable)

    /// Reads a header without its first bit.
    ///
    /// - Throws: ``Inflater/InflateFault``.
    init(_ input: BitInput) throws {
        switch try input.take(2) {
        case 0: self = try Self.stored(input)
        case 1: self = Self.fixed()
        case 2: self = try Self.dynamic(input)
        default: throw Inflater.InflateFault.isCorrupt
        }
    }

    private static func stored(_ input: BitInput) throws -> Self {
        input.align()
        let count = try input.take(16)
        guard try input.take(16) == ~count & 0xFFFF else { throw Inflater.InflateFault.isCorrupt }
        return .stored(left: count)
    }

    private static func fixed() -> Self {
        guard let literals = HuffmanTable.fixedLiterals, let distances = HuffmanTable.fixedDistances else {
            preconditionFailure("the fixed codes are valid")
        }
        return .coded(literals: literals, distances: distances)
    }

    private static func dynamic(_ input: BitInput) throws -> Self {
        let literalCount = try input.take(5) + 257
        let distanceCount = try input.take(5) + 1
        let codeCount = try input.take(4) + 4
        guard literalCount <= 286, distanceCount <= 30 else { throw Inflater.InflateFault.isCorrupt }
        let code = try codeOfLengths(codeCount, input)
        let lengths = try readLengths(literalCount + distanceCount, code: code, from: input)
        // A block without an end symbol never ends.
        guard lengths[256] > 0,
            let literals = HuffmanTable(
                lengths[..<literalCount], meanings: HuffmanTable.literals, root: InflateLoop.literalRoot,
                joinsBytes: true),
            let distances = HuffmanTable(
                lengths[literalCount...], meanings: HuffmanTable.distances, root: InflateLoop.distanceRoot)
        else { throw Inflater.InflateFault.isCorrupt }
        return .coded(literals: literals, distances: distances)
    }

    /// The order in which the lengths of the code of code lengths come.
    private static let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

    private static func codeOfLengths(_ count: Int, _ input: BitInput) throws -> HuffmanTable {
        var lengths = [UInt8](repeating: 0, count: 19)
        for symbol in order.prefix(count) { lengths[symbol] = UInt8(try input.take(3)) }
        guard
            let code = HuffmanTable(lengths[...], meanings: HuffmanTable.codeLengths, root: 7, allowsSingleWord: false)
        else { throw Inflater.InflateFault.isCorrupt }
        return code
    }

    private static func readLengths(_ count: Int, code: HuffmanTable, from input: BitInput) throws -> [UInt8] {
        var lengths: [UInt8] = []
        lengths.reserveCapacity(count)
        while lengths.count < count {
            guard let symbol = try input.take(code) else { throw Inflater.InflateFault.isCorrupt }
            let (value, times) = try meaning(of: symbol, after: lengths.last, input)
            guard lengths.count + times <= count else { throw Inflater.InflateFault.isCorrupt }
            lengths += repeatElement(value, count: times)
        }
        return lengths
    }

    /// Returns a length and its number of repetitions (RFC 1951 section 3.2.7).
    private static func meaning(
        of symbol: Int, after last: UInt8?, _ input: BitInput
    ) throws -> (value: UInt8, times: Int) {
        switch symbol {
        case 0..<16: return (UInt8(symbol), 1)
        case 16:
            guard let last else { throw Inflater.InflateFault.isCorrupt }
            return (last, 3 + (try input.take(2)))
        case 17: return (0, 3 + (try input.take(3)))
        default: return (0, 11 + (try input.take(7)))
        }
    }
}

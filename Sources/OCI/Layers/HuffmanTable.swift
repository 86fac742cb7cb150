/// A Huffman code of DEFLATE (RFC 1951 section 3.2) as a table that the next bits of a stream index.
///
/// A code of up to `root` bits takes one lookup. So do the codes of two bytes if both fit. A longer code leads to a
/// second table, which the rest of its bits index.
/// ```
/// 31..16                                          15..12  11..8                  7..0
/// one byte or two, base of a length or distance,  kind    bits of the code,      bits to take, a base's
///          or where the second table begins               or how many bytes      extra ones among them
/// ```
struct HuffmanTable {
    /// The length of the longest code in bits.
    static let maximumLength = 15
    static let isLiteral: UInt32 = 1 << 15
    /// Set for an entry that is neither a byte nor a base: a second table, the end of the block, or no code at all.
    static let isSpecial: UInt32 = 1 << 14
    static let isSecond: UInt32 = 1 << 13
    static let isEnd: UInt32 = 1 << 12
    private static let noCode = isSpecial | 1

    /// The number of bits that index the first table.
    let root: Int
    private(set) var entries: [UInt32]

    /// Makes the table of the code in which symbol n has `lengths[n]` bits, or none for 0, and means `meanings[n]`.
    ///
    /// Nil for lengths that no code has, and for codes that leave bits without meaning. As in zlib a code may have no
    /// symbol, or one of a single bit; then only the other bits in a stream are an error.
    init?(
        _ lengths: ArraySlice<UInt8>, meanings: [UInt32], root: Int, joinsBytes: Bool = false,
        allowsSingleWord: Bool = true
    ) {
        let code = HuffmanCode(lengths)
        guard code.isComplete || (allowsSingleWord && code.hasSingleWord) || code.longest == 0 else { return nil }
        self.root = root
        entries = [Self.noCode]
        entries.reserveCapacity(2 << root)
        for length in 1...root {
            // A shorter code keeps its meaning for every following bit.
            entries += entries
            for word in code.words(ofLength: length) { entries[word.bits] = Self.entry(meanings[word.symbol], length) }
        }
        if joinsBytes { joinBytes(code) }
        if code.longest > root { addSecondTables(code, meanings) }
    }

    private static func entry(_ meaning: UInt32, _ length: Int) -> UInt32 {
        let detail = meaning & isLiteral == 0 ? UInt32(length) : 1
        return meaning + detail << 8 + UInt32(length)
    }

    private mutating func addSecondTables(_ code: HuffmanCode, _ meanings: [UInt32]) {
        let rest = code.longest - root
        for length in (root + 1)...code.longest {
            for word in code.words(ofLength: length) {
                let start = startOfSecondTable(word.bits & (1 << root - 1), rest)
                let entry = Self.entry(meanings[word.symbol], length - root)
                for index in stride(from: word.bits >> root, to: 1 << rest, by: 1 << (length - root)) {
                    entries[start + index] = entry
                }
            }
        }
    }

    private mutating func startOfSecondTable(_ first: Int, _ bits: Int) -> Int {
        if entries[first] & Self.isSecond == 0 {
            let kind = Self.isSpecial | Self.isSecond
            entries[first] = UInt32(entries.count) << 16 | kind | UInt32(bits) << 8 | UInt32(root)
            entries += repeatElement(Self.noCode, count: 1 << bits)
        }
        return Int(entries[first] >> 16)
    }

    /// Makes the first table decode two bytes at once for every index that contains the codes of both.
    private mutating func joinBytes(_ code: HuffmanCode) {
        for first in 1..<root {
            for one in code.words(ofLength: first) where one.symbol < 256 {
                for length in (first + 1)...root { join(one, ofLength: first, code, to: length) }
            }
        }
    }

    private mutating func join(_ one: HuffmanCode.CodeWord, ofLength first: Int, _ code: HuffmanCode, to length: Int) {
        for other in code.words(ofLength: length - first) where other.symbol < 256 {
            let bytes = UInt32(one.symbol | other.symbol << 8)
            let entry = bytes << 16 | Self.isLiteral | 2 << 8 | UInt32(length)
            for index in stride(from: one.bits | other.bits << first, to: 1 << root, by: 1 << length) {
                entries[index] = entry
            }
        }
    }
}

/// A canonical code: shorter words first, those of a length in the order of their symbols (RFC 1951 section 3.2.2).
struct HuffmanCode {
    struct CodeWord {
        var symbol = 0
        /// The bits in the order of the stream: the first one is the lowest.
        var bits = 0
    }

    /// True if every sequence of bits begins with a word.
    let isComplete: Bool
    /// True if there is one word, of a single bit.
    let hasSingleWord: Bool
    /// The length of the longest word; 0 if there is none.
    let longest: Int
    private var words: [CodeWord]
    private var ends: [Int]

    init(_ lengths: ArraySlice<UInt8>) {
        var counts = [Int](repeating: 0, count: HuffmanTable.maximumLength + 1)
        for length in lengths where length > 0 { counts[Int(length)] += 1 }
        longest = counts.lastIndex { $0 > 0 } ?? 0
        ends = counts
        var (used, place) = (0, 0)
        for length in counts.indices {
            used += counts[length] << (HuffmanTable.maximumLength - length)
            ends[length] = place
            place += counts[length]
        }
        isComplete = used == 1 << HuffmanTable.maximumLength
        hasSingleWord = counts[1] == 1 && place == 1
        words = [CodeWord](repeating: CodeWord(), count: place)
        for (symbol, length) in lengths.enumerated() where length > 0 {
            words[ends[Int(length)]].symbol = symbol
            ends[Int(length)] += 1
        }
        guard isComplete || hasSingleWord else { return }
        var bits = 0
        for length in 1..<ends.count {
            for index in ends[length - 1]..<ends[length] {
                words[index].bits = bits
                bits = Self.following(bits, length)
            }
        }
    }

    /// Returns the words of a length.
    func words(ofLength length: Int) -> ArraySlice<CodeWord> { words[ends[length - 1]..<ends[length]] }

    /// Returns the next word of `length` bits: one more, counted from the last bit.
    private static func following(_ bits: Int, _ length: Int) -> Int {
        var bit = 1 << (length - 1)
        while bits & bit != 0 { bit >>= 1 }
        return bit == 0 ? 0 : bits & (bit - 1) | bit
    }
}

extension HuffmanTable {
    /// The meanings of the first code's symbols: bytes, the end, lengths of repetitions (RFC 1951 section 3.2.5).
    static let literals: [UInt32] =
        (0..<256).map { isLiteral | UInt32($0) << 16 } + [isSpecial | isEnd]
        + bases(count: 28, from: 3, each: 4) + [258 << 16, isSpecial, isSpecial]
    /// The meanings of the second code's symbols: the distances of repetitions.
    static let distances: [UInt32] = bases(count: 30, from: 1, each: 2) + [isSpecial, isSpecial]
    /// The meanings of the symbols of the code of code lengths: the symbols themselves.
    static let codeLengths: [UInt32] = (0..<19).map { UInt32($0) << 16 }

    static let fixedLiterals = HuffmanTable(
        ([UInt8](repeating: 8, count: 144) + [UInt8](repeating: 9, count: 112) + [UInt8](repeating: 7, count: 24)
            + [UInt8](repeating: 8, count: 8))[...], meanings: literals, root: InflateLoop.literalRoot)
    static let fixedDistances = HuffmanTable(
        [UInt8](repeating: 5, count: 32)[...], meanings: distances, root: InflateLoop.distanceRoot)

    /// Returns bases whose extra bits grow by one after every `each`, the first `each` twice without any.
    private static func bases(count: Int, from first: UInt32, each: Int) -> [UInt32] {
        var base = first
        return (0..<count).map { index in
            let extra = UInt32(max(index / each - 1, 0))
            defer { base += 1 << extra }
            return base << 16 | extra
        }
    }
}

extension HuffmanTable {
    @inline(__always)
    static func isLiteral(_ entry: UInt32) -> Bool { entry & isLiteral != 0 }
}

/// A sum of a machine's memory, by which damage shows: FNV-1a by words of eight bytes, of each page that holds anything and
/// of its place. A page of zeros counts for nothing, so that holes need not be made to be summed.
struct MemorySum {
    private static let page = 4096

    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    /// Adds whole pages that begin `place` bytes into the memory.
    mutating func add(_ bytes: RawSpan, at place: Int) {
        for start in stride(from: 0, to: bytes.byteCount, by: Self.page) {
            let end = min(start + Self.page, bytes.byteCount)
            add(page: bytes.extracting(start..<end), at: place + start)
        }
    }

    private mutating func add(page: borrowing RawSpan, at place: Int) {
        let words = page.byteCount / 8
        var all: UInt64 = 0
        for index in 0..<words { all |= Self.word(index, of: page) }
        guard all != 0 else { return }
        mix(UInt64(place))
        for index in 0..<words { mix(Self.word(index, of: page)) }
    }

    /// Any eight bytes are a number.
    private static func word(_ index: Int, of page: borrowing RawSpan) -> UInt64 {
        unsafe page.unsafeLoadUnaligned(fromByteOffset: index * 8, as: UInt64.self)
    }

    /// No word can change without the sum: what is done to it can be undone. The high bits come down, since a product's
    /// low ones know nothing of them.
    private mutating func mix(_ word: UInt64) {
        value = (value ^ word) &* 0x100_0000_01B3
        value ^= value >> 32
    }
}

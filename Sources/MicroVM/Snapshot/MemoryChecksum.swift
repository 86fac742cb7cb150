/// A checksum that detects damage of a machine's memory: FNV-1a over words of eight bytes.
///
/// It covers each page that is not all zero, and the page's position. Pages of zeros don't count, so holes of a sparse
/// file need no reading.
struct MemoryChecksum {
    private static let page = 4096

    private(set) var value = FNV1a.offsetBasis

    /// Adds whole pages that are not all zero, and begin `place` bytes into the memory.
    mutating func add(_ pages: RawSpan, at place: Int) {
        for start in stride(from: 0, to: pages.byteCount, by: Self.page) {
            mix(UInt64(place + start))
            for offset in stride(from: start, to: start + Self.page, by: 8) {
                mix(unsafe pages.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
            }
        }
    }

    /// Mixes one word into the sum.
    ///
    /// Each step is invertible, so a change of one word always changes the sum. The shift moves high bits down, because
    /// the low bits of a product don't depend on them.
    private mutating func mix(_ word: UInt64) {
        value = (value ^ word) &* FNV1a.prime
        value ^= value >> 32
    }
}

/// The constants of the hash FNV-1a for 64 bits, by Fowler, Noll and Vo.
enum FNV1a {
    static let offsetBasis: UInt64 = 0xCBF2_9CE4_8422_2325
    static let prime: UInt64 = 0x100_0000_01B3
}

/// A sum of a machine's memory, by which damage shows: FNV-1a by words of eight bytes, of each page that holds anything and
/// of its place. A page of zeros counts for nothing, so that holes need not be made to be summed.
struct MemorySum {
    private static let page = 4096

    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    /// Adds whole pages that hold anything, and begin `place` bytes into the memory.
    mutating func add(_ pages: RawSpan, at place: Int) {
        for start in stride(from: 0, to: pages.byteCount, by: Self.page) {
            mix(UInt64(place + start))
            for offset in stride(from: start, to: start + Self.page, by: 8) {
                mix(unsafe pages.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
            }
        }
    }

    /// No word can change without the sum: what is done to it can be undone. The high bits come down, since a product's
    /// low ones know nothing of them.
    private mutating func mix(_ word: UInt64) {
        value = (value ^ word) &* 0x100_0000_01B3
        value ^= value >> 32
    }
}

/// A sum of a machine's memory, by which damage shows: FNV-1a by words of eight bytes, of each page that holds anything and
/// of its place. A page of zeros counts for nothing, so that holes need not be made to be summed.
struct MemorySum {
    private static let page = 4096

    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    /// Adds whole pages that begin `place` bytes into the memory.
    mutating func add(_ bytes: UnsafeRawBufferPointer, at place: Int) {
        for start in stride(from: 0, to: bytes.count, by: Self.page) {
            let end = min(start + Self.page, bytes.count)
            unsafe add(page: UnsafeRawBufferPointer(rebasing: bytes[start..<end]), at: place + start)
        }
    }

    private mutating func add(page: UnsafeRawBufferPointer, at place: Int) {
        let words = page.count / 8
        // Pages lie in memory of any alignment; a word never begins beyond the last whole one.
        func word(_ index: Int) -> UInt64 { unsafe page.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self) }
        guard !(0..<words).allSatisfy({ word($0) == 0 }) else { return }
        mix(UInt64(place))
        for index in 0..<words { mix(word(index)) }
    }

    /// No word can change without the sum: what is done to it can be undone. The high bits come down, since a product's
    /// low ones know nothing of them.
    private mutating func mix(_ word: UInt64) {
        value = (value ^ word) &* 0x100_0000_01B3
        value ^= value >> 32
    }
}

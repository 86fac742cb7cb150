/// Tells new paths from those that were seen, in memory that does not grow: it remembers hashes of 64 bits.
///
/// Two paths with one hash are taken for one, once in some 10^10 sets that are full.
struct PathSet {
    /// The most paths that are told apart.
    static let limit = 49_152
    private static let slots = 65_536
    private var hashes = [UInt64](repeating: 0, count: slots)
    private(set) var count = 0

    /// What became of a path.
    enum Insertion {
        case new
        case known
        /// There is no room for a new one.
        case full
    }

    mutating func insert(_ path: [UInt8]) -> Insertion {
        let hash = PathSet.hash(path)
        var slot = Int(truncatingIfNeeded: hash) & (PathSet.slots - 1)
        while hashes[slot] != 0 {
            if hashes[slot] == hash { return .known }
            slot = (slot + 1) & (PathSet.slots - 1)
        }
        guard count < PathSet.limit else { return .full }
        hashes[slot] = hash
        count += 1
        return .new
    }

    /// FNV-1a, stirred once more because its low bits choose the slot; never 0, which is an empty slot.
    private static func hash(_ path: [UInt8]) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in path { hash = (hash ^ UInt64(byte)) &* 0x0100_0000_01b3 }
        hash = (hash ^ (hash >> 33)) &* 0xff51_afd7_ed55_8ccd
        hash ^= hash >> 33
        return hash == 0 ? 1 : hash
    }
}

/// Detects new paths in bounded memory: it stores only hashes of 64 bits.
///
/// Two paths with the same hash count as one, once in about 10^10 full sets.
struct PathSet {
    /// The maximum number of paths.
    static let limit = 49_152
    private static let slots = 65_536
    private var hashes = [UInt64](repeating: 0, count: slots)
    private(set) var count = 0

    /// The result of an insertion.
    enum Insertion {
        case new
        case known
        /// The set is full, and the path is not in it.
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

    /// FNV-1a with a final mix, because its low bits choose the slot; never 0, which marks an empty slot.
    private static func hash(_ path: [UInt8]) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in path { hash = (hash ^ UInt64(byte)) &* 0x0100_0000_01b3 }
        hash = (hash ^ (hash >> 33)) &* 0xff51_afd7_ed55_8ccd
        hash ^= hash >> 33
        return hash == 0 ? 1 : hash
    }
}

/// An allocator for inodes: a record that fits into one block never crosses into another.
///
/// So an inline tail is always in one block. It uses the best fit among all blocks with room. They are kept by their
/// free slots, so that an allocation costs the same however many there are. The same requests in the same order give
/// the same offsets.
struct MetadataArea {
    private static let slotsPerBlock = SuperBlock.blockSize / InodeRecord.slot

    /// The number of blocks so far, including block 0.
    private(set) var blockCount = 1
    /// Blocks by their number of free slots; the free slots are at a block's end.
    private var open = [[Int]](repeating: [], count: slotsPerBlock)

    /// Allocates `byteCount` bytes and returns their offset in the image.
    mutating func place(_ byteCount: Int) -> Int64 {
        let slots = (byteCount + InodeRecord.slot - 1) / InodeRecord.slot
        if slots < Self.slotsPerBlock, let free = open.indices[slots...].first(where: { !open[$0].isEmpty }) {
            let block = open[free].removeLast()
            return take(slots, of: free, in: block)
        }
        let whole = (slots - 1) / Self.slotsPerBlock
        let first = blockCount
        blockCount += whole + 1
        keep(free: Self.slotsPerBlock * (whole + 1) - slots, in: first + whole)
        return Int64(first * SuperBlock.blockSize)
    }

    private mutating func take(_ slots: Int, of free: Int, in block: Int) -> Int64 {
        keep(free: free - slots, in: block)
        return Int64(block * SuperBlock.blockSize + (Self.slotsPerBlock - free) * InodeRecord.slot)
    }

    private mutating func keep(free: Int, in block: Int) {
        // Two slots are the smallest inode.
        if free * InodeRecord.slot >= InodeRecord.size { open[free].append(block) }
    }
}

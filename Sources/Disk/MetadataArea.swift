/// Finds room for inodes: what fits into one block never crosses into another, so an inline tail always stands in one.
///
/// Best fit among all blocks that have room, kept by how much they have, so that a place costs the same however many
/// there are. The same requests in the same order give the same places.
struct MetadataArea {
    private static let slotsPerBlock = SuperBlock.blockSize / InodeRecord.slot

    /// How many blocks there are so far, block 0 counted.
    private(set) var blockCount = 1
    /// Blocks by their number of free slots; the free ones are the last.
    private var open = [[Int]](repeating: [], count: slotsPerBlock)

    /// Room for `byteCount` bytes: its offset in the image.
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

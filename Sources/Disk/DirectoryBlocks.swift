internal import Linux
internal import OCI

/// A directory's content: its entries and `.` and `..`, sorted by the bytes of their names.
///
/// The kernel does a binary search, first among blocks, then within one.
/// ```
/// nid(8)  name offset(2)  type  0     12 bytes for each entry; the first offset gives their number
/// names, one behind the other         the rest of the block is zero, or absent in the last one
/// ```
struct DirectoryBlocks {
    private static let entrySize = EROFS.direntByteCount
    /// The longest name in bytes (NAME_MAX).
    static let maximumName = 255

    /// A name and its node.
    struct Entry {
        let name: [UInt8]
        let node: FileTree.NodeID
    }

    /// All entries, sorted by name.
    let entries: [Entry]
    /// The entries of each block, and the bytes that it uses.
    private let blocks: [(entries: Range<Int>, used: Int)]

    /// Makes the content of the directory `node`, whose parent is `parent`.
    init(_ children: [[UInt8]: FileTree.NodeID], of node: FileTree.NodeID, in parent: FileTree.NodeID) {
        var entries = children.map { Entry(name: $0.key, node: $0.value) }
        entries.append(Entry(name: Array(".".utf8), node: node))
        entries.append(Entry(name: Array("..".utf8), node: parent))
        entries.sort { $0.name.lexicographicallyPrecedes($1.name) }
        self.entries = entries
        blocks = Self.split(entries)
    }

    private static func split(_ entries: [Entry]) -> [(entries: Range<Int>, used: Int)] {
        var blocks: [(entries: Range<Int>, used: Int)] = []
        var first = 0
        var used = 0
        for (index, entry) in entries.enumerated() {
            let needed = entrySize + entry.name.count
            if used + needed > SuperBlock.blockSize {
                blocks.append((first..<index, used))
                (first, used) = (index, 0)
            }
            used += needed
        }
        return blocks + [(first..<entries.count, used)]
    }

    /// The content's size in bytes: all blocks but the last count as full.
    var byteCount: Int64 {
        Int64((blocks.count - 1) * SuperBlock.blockSize + (blocks.last?.used ?? 0))
    }

    /// Returns the content; `describe` returns the number and type of a node's inode on disk.
    func bytes(_ describe: (FileTree.NodeID) -> (nid: UInt64, type: UInt8)) -> [UInt8] {
        let reserved: UInt8 = 0
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(byteCount))
        for block in blocks {
            bytes.pad(to: SuperBlock.blockSize)
            var offset = block.entries.count * Self.entrySize
            for entry in entries[block.entries] {
                let (nid, type) = describe(entry.node)
                bytes.append(little: nid)
                bytes.append(little: UInt16(offset))
                bytes += [type, reserved]
                offset += entry.name.count
            }
            for entry in entries[block.entries] { bytes += entry.name }
        }
        return bytes
    }
}

internal import OCI

/// The position of every part of a tree on its disk, computed from metadata before any content is read.
///
/// ```
/// block 0       block 1 ...                                    ...
/// super block | inodes, attributes, tails, best fit | directories' blocks | files' blocks in the order of the layers
/// ```
/// The root is the first inode, because the super block has only 16 bits for it. Directories come breadth first, then
/// links and devices, then files as the layers hold them, so that writing goes forward through the image.
struct DiskLayout {
    /// The position and form of an inode.
    struct InodePlace {
        /// The record's offset in the image, in bytes.
        var position: Int64 = 0
        /// The first full block of content, counted from ``firstContentBlock``.
        var block: Int64 = 0
        var byteCount: Int64 = 0
        var isInline = false
        var linkCount = 0

        /// The inode's number on disk.
        var nid: UInt64 { UInt64(position) / UInt64(InodeRecord.slot) }
        /// The bytes in the blocks of the content area.
        var bytesInBlocks: Int64 { isInline ? byteCount - byteCount % Int64(SuperBlock.blockSize) : byteCount }
    }

    /// A directory and its entries.
    struct PlacedDirectory {
        let inode: FileTree.InodeID
        let blocks: DirectoryBlocks
    }

    private static let maximumBlocks = Int64(UInt32.max)
    /// The longest target of a link (PATH_MAX, less the NUL).
    private static let maximumTarget = 4095
    // Linux, include/linux/kdev_t.h.
    private static let majorBits = 12
    private static let minorBits = 20

    /// All directories, the root first.
    private(set) var directories: [PlacedDirectory] = []
    /// Links, devices and empty files.
    private(set) var others: [FileTree.InodeID] = []
    /// Regular files that have content, in the order of the layers.
    private(set) var files: [FileTree.InodeID] = []
    /// Attributes that no kernel could read back.
    private(set) var omitted: [(path: ImagePath, attribute: String)] = []
    private var places: [InodePlace]
    private var metadata = MetadataArea()
    private var contentBlocks: Int64 = 0
    private let tree: FileTree

    /// Computes the layout of `tree`.
    ///
    /// - Throws: ``DiskError`` if a disk cannot hold a file or all of them.
    init(_ tree: FileTree) throws(DiskError) {
        self.tree = tree
        places = [InodePlace](repeating: InodePlace(), count: tree.inodes.count)
        try findDirectories()
        for directory in directories { try place(directory.inode, byteCount: directory.blocks.byteCount) }
        try placeOthers()
        for file in files { try place(file, byteCount: tree.inodes[file].kind.size) }
    }

    /// The first block of the content area.
    var firstContentBlock: Int64 { Int64(metadata.blockCount) }
    /// The size of the image in bytes.
    var byteCount: Int64 { (firstContentBlock + contentBlocks) * Int64(SuperBlock.blockSize) }
    /// The number of inodes.
    var inodeCount: Int { directories.count + others.count + files.count }

    /// The position of an inode that has a name.
    subscript(inode: FileTree.InodeID) -> InodePlace { places[inode] }

    /// Returns the offset of an inode's full blocks in bytes.
    func contentOffset(of inode: FileTree.InodeID) -> Int64 {
        (firstContentBlock + places[inode].block) * Int64(SuperBlock.blockSize)
    }

    func superBlock(uuid: [UInt8]) -> SuperBlock {
        SuperBlock(
            root: UInt16(places[tree[node: FileTree.rootNode].inode].nid), inodeCount: inodeCount,
            blockCount: UInt32(firstContentBlock + contentBlocks), uuid: uuid)
    }

    /// Returns the record of an inode.
    func record(of inode: FileTree.InodeID) -> InodeRecord {
        let place = places[inode]
        let hasBlocks = place.bytesInBlocks > 0
        return InodeRecord(
            kind: tree.inodes[inode].kind, metadata: tree.inodes[inode].metadata, byteCount: place.byteCount,
            isInline: place.isInline, block: hasBlocks ? UInt32(firstContentBlock + place.block) : 0,
            number: UInt32(truncatingIfNeeded: place.nid), linkCount: UInt32(place.linkCount))
    }

    /// Returns the content of a directory.
    func content(of directory: PlacedDirectory) -> [UInt8] {
        directory.blocks.bytes { node in
            let inode = tree[node: node].inode
            return (places[inode].nid, tree.inodes[inode].kind.entryType)
        }
    }
}

// MARK: - Deciding

extension DiskLayout {
    /// Collects all directories, breadth first, and counts links on the way.
    private mutating func findDirectories() throws(DiskError) {
        var pending = [FileTree.rootNode]
        var done = 0
        while done < pending.count {
            let node = pending[done]
            done += 1
            for (name, child) in tree[node: node].children { try check(name, of: child) }
            let blocks = DirectoryBlocks(tree[node: node].children, of: node, in: tree[node: node].parent)
            for entry in blocks.entries {
                places[tree[node: entry.node].inode].linkCount += 1
                let isChild = entry.node != node && entry.node != tree[node: node].parent
                if isChild, tree.inode(of: entry.node).kind.isDirectory { pending.append(entry.node) }
            }
            directories.append(PlacedDirectory(inode: tree[node: node].inode, blocks: blocks))
        }
    }

    private mutating func placeOthers() throws(DiskError) {
        for (id, inode) in tree.inodes.enumerated() where places[id].linkCount > 0 && !inode.kind.isDirectory {
            guard inode.kind.size == 0 else {
                files.append(id)
                continue
            }
            others.append(id)
            if case .symlink(let target) = inode.kind {
                try check(target, of: inode)
                try place(id, byteCount: Int64(target.count))
            } else {
                try check(inode)
                try place(id, byteCount: 0)
            }
        }
    }

    /// Places an inode and its content.
    ///
    /// The last part of the content is inline if it, the inode and the attributes fit in one block.
    private mutating func place(_ id: FileTree.InodeID, byteCount: Int64) throws(DiskError) {
        guard byteCount >= 0 else { throw .unrepresentable(tree.inodes[id].path, reason: "has a negative size") }
        let blockSize = Int64(SuperBlock.blockSize)
        let attributes = try attributeSize(of: id)
        let tail = Int(byteCount % blockSize)
        let record = InodeRecord.size + attributes
        let isInline = tail > 0 && record + tail <= SuperBlock.blockSize
        places[id].byteCount = byteCount
        places[id].isInline = isInline
        places[id].position = metadata.place(record + (isInline ? tail : 0))
        places[id].block = contentBlocks
        contentBlocks += byteCount / blockSize + (tail > 0 && !isInline ? 1 : 0)
        guard contentBlocks + Int64(metadata.blockCount) <= Self.maximumBlocks else {
            throw .tooLarge(limit: Self.maximumBlocks * blockSize)
        }
    }

    private mutating func attributeSize(of id: FileTree.InodeID) throws(DiskError) -> Int {
        let inode = tree.inodes[id]
        guard !inode.metadata.xattrs.isEmpty else { return 0 }
        let attributes = Attributes(inode.metadata.xattrs)
        guard attributes.bytes.count <= Attributes.maximumSize else {
            throw .unrepresentable(
                inode.path, reason: "has extended attributes of \(attributes.bytes.count) bytes")
        }
        for name in attributes.omitted { omitted.append((inode.path, name)) }
        return attributes.bytes.count
    }

    private func check(_ name: [UInt8], of node: FileTree.NodeID) throws(DiskError) {
        guard name.count <= DirectoryBlocks.maximumName else {
            throw .unrepresentable(
                tree.path(of: node),
                reason: "has a name of \(name.count) bytes; the limit is \(DirectoryBlocks.maximumName)")
        }
    }

    private func check(_ target: [UInt8], of inode: FileTree.Inode) throws(DiskError) {
        guard (1...Self.maximumTarget).contains(target.count), !target.contains(0) else {
            throw .unrepresentable(
                inode.path,
                reason: "is a symbolic link with a target of \(target.count) bytes, which Linux cannot follow")
        }
    }

    private func check(_ inode: FileTree.Inode) throws(DiskError) {
        switch inode.kind {
        case .characterDevice(let major, let minor), .blockDevice(let major, let minor):
            guard major < 1 << Self.majorBits, minor < 1 << Self.minorBits else {
                throw .unrepresentable(
                    inode.path, reason: "is a device \(major):\(minor), which is beyond Linux's device numbers")
            }
        default: break
        }
    }
}

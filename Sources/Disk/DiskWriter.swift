internal import Linux
internal import OCI

/// Writes a layout's parts to their positions in the file.
struct DiskWriter: Sendable {
    private let image: Image
    private let tree: FileTree
    private let layout: DiskLayout
    private let file: PendingFile

    init(image: Image, tree: FileTree, layout: DiskLayout, file: PendingFile) {
        self.image = image
        self.tree = tree
        self.layout = layout
        self.file = file
    }

    /// Writes the parts that depend on headers only: the super block, and all inodes without file content.
    func writeMetadata() throws {
        try file.extend(to: layout.byteCount)
        try file.write(layout.superBlock(uuid: Self.uuid(of: image.descriptor.digest)).bytes[...], at: 0)
        for directory in layout.directories { try write(directory.inode, layout.content(of: directory)) }
        for inode in layout.others {
            if case .symlink(let target) = tree.inodes[inode].kind {
                try write(inode, target)
            } else {
                try write(inode, [])
            }
        }
    }

    /// The layers that hold any of the contents.
    var layers: [Int] { Set(layout.files.map { tree.inodes[$0].layer }).sorted() }

    /// Copies the contents that `layer` holds.
    ///
    /// Reads the layer once and to its end, which verifies it.
    func copyContents(ofLayer layer: Int) throws {
        let files = layout.files.filter { tree.inodes[$0].layer == layer }
        guard image.layers.indices.contains(layer) else {
            throw DiskError.contentDiffers(files.first.map { tree.inodes[$0].path } ?? .root, layer: layer)
        }
        let reader = try image.open(image.layers[layer])
        var wanted = files[...]
        var ordinal = 0
        while let entry = try reader.next() {
            if let next = wanted.first, tree.inodes[next].ordinal == ordinal {
                guard entry.change == .add(tree.inodes[next].kind), entry.path == tree.inodes[next].path else {
                    throw DiskError.contentDiffers(tree.inodes[next].path, layer: layer)
                }
                try copy(next, from: reader)
                wanted.removeFirst()
            }
            ordinal += 1
        }
        if let missing = wanted.first { throw DiskError.contentDiffers(tree.inodes[missing].path, layer: layer) }
    }

    /// Streams one file: full blocks as they arrive, then the inode with the tail.
    private func copy(_ inode: FileTree.InodeID, from reader: TarReader) throws {
        var record = layout.record(of: inode).bytes
        var offset = layout.contentOffset(of: inode)
        var left = layout[inode].bytesInBlocks
        try reader.readContent { chunk in
            let blocks = chunk.prefix(Int(min(left, Int64(chunk.count))))
            try file.write(blocks, at: offset)
            offset += Int64(blocks.count)
            left -= Int64(blocks.count)
            record += chunk.dropFirst(blocks.count)
        }
        try file.write(record[...], at: layout[inode].position)
    }

    private func write(_ inode: FileTree.InodeID, _ content: [UInt8]) throws {
        let split = Int(layout[inode].bytesInBlocks)
        try file.write(content[..<split], at: layout.contentOffset(of: inode))
        try file.write((layout.record(of: inode).bytes + content[split...])[...], at: layout[inode].position)
    }

    /// Makes a UUID of the vendor's own kind (RFC 9562, version 8) from an image's digest.
    private static func uuid(of digest: Digest) -> [UInt8] {
        let digits = Array(digest.hex.utf8.prefix(32)).map { digit in
            digit < UInt8(ascii: "a") ? digit - UInt8(ascii: "0") : digit - UInt8(ascii: "a") + 10
        }
        var bytes = stride(from: 0, to: 32, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
        let (version8, rfcVariant): (UInt8, UInt8) = (8 << 4, 0b10 << 6)
        bytes[6] = bytes[6] & 0x0F | version8
        bytes[8] = bytes[8] & 0x3F | rfcVariant
        return bytes
    }
}

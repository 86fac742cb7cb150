internal import ImageFiles
public import OCI

/// Several live files with the same content.
public struct Duplicate: Sendable, Equatable {
    public let digest: Digest
    /// The size of one copy in bytes.
    public let size: Int64
    /// One live path of every copy, sorted; hard links are one copy.
    public let paths: [ImagePath]
    /// The layers of the copies, ascending.
    public let layers: [Int]

    /// The compressed bytes of all copies but the largest; nil if the layers were not decompressed.
    public let compressedBytes: Int64?

    /// The bytes of all copies but one.
    public var bytes: Int64 { size &* Int64(paths.count - 1) }

    /// Returns the duplicates of a tree that was read with contents, the most expensive first.
    ///
    /// Empty files don't count.
    static func all(in tree: FileTree, _ liveFiles: LiveFiles, packed: PackedSizes? = nil) -> [Duplicate] {
        var groups: [Digest: [FileTree.InodeID]] = [:]
        for id in liveFiles.files where tree.inodes[id].kind.size > 0 {
            if let content = tree.inodes[id].content { groups[content, default: []].append(id) }
        }
        return groups.compactMap { content, inodes in
            guard let first = inodes.first, inodes.count > 1 else { return nil }
            return Duplicate(
                digest: content, size: tree.inodes[first].kind.size,
                paths: inodes.compactMap { liveFiles.path(of: $0) }.sorted(),
                layers: Set(inodes.map { tree.inodes[$0].layer }).sorted(),
                compressedBytes: packed.map { packed in
                    let sizes = inodes.map { packed.bytes(of: tree.inodes[$0]) ?? 0 }
                    return Int64((sizes.reduce(0, +) - (sizes.max() ?? 0)).rounded())
                })
        }.sorted { ($1.bytes, $0.digest) < ($0.bytes, $1.digest) }
    }
}

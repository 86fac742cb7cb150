public import ImageFiles
public import OCI

/// The bytes that an image ships and no container sees.
///
/// Live-inode accounting: the files of a layer are shipped; files with a name in the merged tree are live; the
/// difference is waste. A hard link is no second copy. A file whose last name is removed, in any way, is one whole
/// copy.
public struct Waste: Sendable, Equatable {
    /// The reason that a copy is wasted.
    public enum Kind: String, Sendable, CaseIterable {
        /// A later layer deletes it.
        case deletedLater = "deleted-later"
        /// A later layer has other bytes under its name.
        case rewritten
        /// A later layer has the same bytes again: a chmod, a chown, a touch.
        case metadataOnly = "metadata-only"
        /// A later layer deletes it and has the same bytes under another name.
        case moved
    }

    /// One wasted copy.
    public struct WastedCopy: Sendable, Hashable {
        /// The layer that ships it.
        public let layer: Int
        /// The layer that hides it; the same one if a tar names a path twice.
        public let hiddenBy: Int
        public let kind: Kind
        /// The size in bytes.
        public let bytes: Int64
        /// The bytes in the layer's blob; nil if the layers were not decompressed.
        public let compressedBytes: Int64?
    }

    /// A path with all its wasted copies.
    public struct WastedPath: Sendable, Equatable {
        /// The path of the copies.
        public let path: ImagePath
        /// The copies, lowest layer first.
        public let copies: [WastedCopy]
        /// The bytes of all copies.
        public let bytes: Int64

        /// The bytes of all copies in the layers' blobs; nil if the layers were not decompressed.
        public var compressedBytes: Int64? {
            copies.reduce(Optional(0)) { sum, copy in sum.flatMap { sum in copy.compressedBytes.map { sum &+ $0 } } }
        }

        /// The layers that ship or hide a copy, ascending.
        public var layers: [Int] { Set(copies.flatMap { [$0.layer, $0.hiddenBy] }).sorted() }

        /// The kind of the largest copy.
        public var kind: Kind { copies.max { $0.bytes < $1.bytes }?.kind ?? .rewritten }
    }

    /// The paths with wasted copies, largest first, then by name.
    public let items: [WastedPath]
    /// The bytes of regular files in all layers.
    public let shippedBytes: Int64
    /// The bytes of regular files in the merged tree.
    public let liveBytes: Int64
    /// The bytes of regular files in all layers but the first; dive calls them the user's.
    public let userBytes: Int64

    /// The bytes that are shipped and not live.
    public var wastedBytes: Int64 { shippedBytes - liveBytes }

    /// Returns the wasted bytes that the lowest `count` layers ship.
    public func wastedBytes(inLowest count: Int) -> Int64 {
        items.lazy.flatMap(\.copies).reduce(0) { $1.layer < count ? $0 &+ $1.bytes : $0 }
    }

    /// The live part of the shipped bytes, from 0 to 1; an empty image wastes nothing.
    public var efficiency: Double { shippedBytes == 0 ? 1 : Double(liveBytes) / Double(shippedBytes) }

    /// The wasted bytes as a part of the user's bytes: dive's definition with the correct waste.
    ///
    /// More than 1 if layers hide more of the base than they add; 1 if they add nothing and hide something.
    public var userWastedPercent: Double {
        if userBytes == 0 { return wastedBytes == 0 ? 0 : 1 }
        return Double(wastedBytes) / Double(userBytes)
    }

    /// Accounts for every inode of `tree`.
    ///
    /// Without contents in the tree, no copy is `metadataOnly` or `moved`.
    public init(of tree: FileTree, packed: PackedSizes? = nil) {
        let layerContents = LayerContents(tree)
        var copies: [ImagePath: [WastedCopy]] = [:]
        var (shipped, live, user) = (Int64(0), Int64(0), Int64(0))
        for inode in tree.inodes where inode.kind.size > 0 {
            let size = inode.kind.size
            shipped &+= size
            if inode.layer > 0 { user &+= size }
            guard inode.linkCount == 0 else {
                live &+= size
                continue
            }
            copies[inode.path, default: []].append(Self.copy(inode, in: tree, layerContents, packed: packed))
        }
        items = copies.map { path, copies in
            WastedPath(path: path, copies: copies, bytes: copies.reduce(0) { $0 &+ $1.bytes })
        }.sorted { ($1.bytes, $0.path) < ($0.bytes, $1.path) }
        (shippedBytes, liveBytes, userBytes) = (shipped, live, user)
    }

    private static func copy(
        _ inode: FileTree.Inode, in tree: FileTree, _ layerContents: LayerContents, packed: PackedSizes?
    ) -> WastedCopy {
        WastedCopy(
            layer: inode.layer, hiddenBy: inode.removal?.layer ?? inode.layer,
            kind: kind(of: inode, in: tree, layerContents), bytes: inode.kind.size,
            compressedBytes: packed?.bytes(of: inode).map { Int64($0.rounded()) })
    }

    private static func kind(of inode: FileTree.Inode, in tree: FileTree, _ layerContents: LayerContents) -> Kind {
        switch inode.removal {
        case .deleted(let layer):
            return layerContents.contains(inode.content, layer: layer) ? .moved : .deletedLater
        case .replaced(_, let id) where tree.inodes.indices.contains(id):
            let successor = tree.inodes[id]
            // Below a directory that became a file: the successor has another name.
            guard successor.path.name == inode.path.name else { return .deletedLater }
            let isSame = inode.content != nil && inode.content == successor.content
            return isSame ? .metadataOnly : .rewritten
        default: return .rewritten
        }
    }

    /// The contents that each layer adds.
    private struct LayerContents {
        private struct Key: Hashable {
            let layer: Int
            let content: Digest
        }

        private var keys: Set<Key> = []

        init(_ tree: FileTree) {
            // Only layers that delete are looked up.
            let deleting = Set(
                tree.inodes.compactMap { inode -> Int? in
                    if case .deleted(let layer) = inode.removal { layer } else { nil }
                })
            for inode in tree.inodes where inode.kind.size > 0 && deleting.contains(inode.layer) {
                if let content = inode.content { keys.insert(Key(layer: inode.layer, content: content)) }
            }
        }

        func contains(_ content: Digest?, layer: Int) -> Bool {
            content.map { keys.contains(Key(layer: layer, content: $0)) } ?? false
        }
    }
}

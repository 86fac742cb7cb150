public import OCI

/// The bytes that an image ships and no container sees.
///
/// Live-inode accounting: what a layer brings is shipped; what has a name in the merged tree is live; the difference is
/// waste. A hard link is no second copy, a file whose last name went away is one whole copy, however its name went.
public struct Waste: Sendable, Equatable {
    /// Why a copy is shipped for nothing.
    public enum Kind: String, Sendable, CaseIterable {
        /// A later layer deletes it.
        case deletedLater = "deleted-later"
        /// A later layer brings other bytes under its name.
        case rewritten
        /// A later layer brings the same bytes again: a chmod, a chown, a touch.
        case metadataOnly = "metadata-only"
        /// A later layer deletes it and brings the same bytes under another name.
        case moved
    }

    /// One copy that is shipped for nothing.
    public struct Copy: Sendable, Hashable {
        /// The layer that ships it.
        public let layer: Int
        /// The layer that hides it; the same one where a tar names a path twice.
        public let takenBy: Int
        /// How.
        public let kind: Kind
        /// Its size.
        public let bytes: Int64
    }

    /// A path with all its copies that are shipped for nothing.
    public struct Item: Sendable, Equatable {
        /// The path under which the copies came.
        public let path: ImagePath
        /// The copies, lowest layer first.
        public let copies: [Copy]
        /// All copies' bytes.
        public let bytes: Int64

        /// The layers that ship or hide a copy, ascending.
        public var layers: [Int] { Set(copies.flatMap { [$0.layer, $0.takenBy] }).sorted() }

        /// The kind of the largest copy.
        public var kind: Kind { copies.max { $0.bytes < $1.bytes }?.kind ?? .rewritten }
    }

    /// Paths that waste anything, biggest first, then by name.
    public let items: [Item]
    /// Bytes of regular files in all layers.
    public let shippedBytes: Int64
    /// Bytes of regular files in the merged tree.
    public let liveBytes: Int64
    /// Bytes of regular files in all layers but the first: what dive calls the user's.
    public let userBytes: Int64
    /// Wasted bytes that the first layer ships: only another base, or a rewrite, gets rid of them.
    public let baseWastedBytes: Int64

    /// What is shipped and not live.
    public var wastedBytes: Int64 { shippedBytes - liveBytes }

    /// Wasted bytes that the layers above the first ship.
    public var userWastedBytes: Int64 { wastedBytes - baseWastedBytes }

    /// The live part of what is shipped, from 0 to 1; an empty image wastes nothing.
    public var efficiency: Double { shippedBytes == 0 ? 1 : Double(liveBytes) / Double(shippedBytes) }

    /// Wasted bytes as a part of the user's bytes: dive's definition over the right waste. More than 1 where layers
    /// hide more of the base than they bring; 1 where they bring nothing and hide something.
    public var userWastedPercent: Double {
        if userBytes == 0 { return wastedBytes == 0 ? 0 : 1 }
        return Double(wastedBytes) / Double(userBytes)
    }

    /// Accounts for every inode of `tree`. Without contents in the tree, no copy is `metadataOnly` or `moved`.
    public init(of tree: FileTree) {
        let arrivals = Arrivals(tree)
        var copies: [ImagePath: [Copy]] = [:]
        var (shipped, live, user, base) = (Int64(0), Int64(0), Int64(0), Int64(0))
        for inode in tree.inodes where inode.kind.size > 0 {
            let size = inode.kind.size
            shipped &+= size
            if inode.layer > 0 { user &+= size }
            guard inode.linkCount == 0 else {
                live &+= size
                continue
            }
            if inode.layer == 0 { base &+= size }
            copies[inode.path, default: []].append(Self.copy(inode, in: tree, arrivals))
        }
        items = copies.map { path, copies in
            Item(path: path, copies: copies, bytes: copies.reduce(0) { $0 &+ $1.bytes })
        }.sorted { ($1.bytes, $0.path) < ($0.bytes, $1.path) }
        (shippedBytes, liveBytes, userBytes, baseWastedBytes) = (shipped, live, user, base)
    }

    private static func copy(_ inode: FileTree.Inode, in tree: FileTree, _ arrivals: Arrivals) -> Copy {
        Copy(
            layer: inode.layer, takenBy: inode.death?.layer ?? inode.layer, kind: kind(of: inode, in: tree, arrivals),
            bytes: inode.kind.size)
    }

    private static func kind(of inode: FileTree.Inode, in tree: FileTree, _ arrivals: Arrivals) -> Kind {
        switch inode.death {
        case .deleted(let layer):
            return arrivals.contains(inode.content, layer: layer) ? .moved : .deletedLater
        case .replaced(_, let id) where tree.inodes.indices.contains(id):
            let successor = tree.inodes[id]
            // Below a directory that became a file: nothing took this very name.
            guard successor.path.name == inode.path.name else { return .deletedLater }
            let isSame = inode.content != nil && inode.content == successor.content
            return isSame ? .metadataOnly : .rewritten
        default: return .rewritten
        }
    }

    /// Which contents each layer brought.
    private struct Arrivals {
        private struct Key: Hashable {
            let layer: Int
            let content: Digest
        }

        private var keys: Set<Key> = []

        init(_ tree: FileTree) {
            // Only layers that delete are ever asked about.
            let deleting = Set(
                tree.inodes.compactMap { inode -> Int? in
                    if case .deleted(let layer) = inode.death { layer } else { nil }
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

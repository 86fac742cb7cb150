internal import OCI

/// A layer of two images, or of one of them.
public struct LayerChange: Sendable, Equatable {
    /// The relation of the two layers.
    public enum State: String, Sendable, CaseIterable {
        /// Both images have the layer.
        case same
        /// Both have it, at different places in the order.
        case moved
        /// The same instruction, or mostly the same files, with another result.
        case changed
        case added
        case removed
    }

    public let state: State
    /// The layer in the first image; nil for an added one.
    public let before: LayerFacts?
    /// The layer in the second image; nil for a removed one.
    public let after: LayerFacts?

    /// The growth of the layer's blob in bytes.
    public var growth: Int64 { (after?.compressedSize ?? 0) - (before?.compressedSize ?? 0) }

    /// The growth of the layer's files in bytes.
    public var unpackedGrowth: Int64 { (after?.size ?? 0) - (before?.size ?? 0) }

    /// The instruction in one line: that of the second image, if it has the layer.
    public var command: String { (after ?? before)?.command ?? "" }

    /// Aligns the layers of two images by their contents.
    ///
    /// Equal layers come first. Between them, layers are aligned that have the same instruction, or half of their
    /// files in common.
    static func all(_ old: (layers: [LayerFacts], tree: FileTree), _ new: (layers: [LayerFacts], tree: FileTree))
        -> [LayerChange]
    {
        let (before, after) = (old.layers, new.layers)
        let (oldFiles, newFiles) = (files(old.tree, before.count), files(new.tree, after.count))
        let equal = Alignment.common(before.count, after.count) { before[$0].diffID == after[$1].diffID }
        var pairs: [(left: Int, right: Int)] = []
        var (left, right) = (0, 0)
        for anchor in equal + [(before.count, after.count)] {
            let (first, second) = (left, right)
            pairs += Alignment.common(anchor.left - first, anchor.right - second) { i, j in
                let (i, j) = (i + first, j + second)
                return isSimilar(before[i], after[j]) || share(oldFiles[i], newFiles[j]) >= 0.5
            }.map { ($0.left + first, $0.right + second) }
            if anchor.left < before.count { pairs.append(anchor) }
            (left, right) = (anchor.left + 1, anchor.right + 1)
        }
        let rows = Alignment.merged(pairs, left: before.count, right: after.count)
        return marked(rows.map { ($0.left.map { before[$0] }, $0.right.map { after[$0] }) })
    }

    /// Sets the states; a removed layer that is added elsewhere was moved.
    private static func marked(_ rows: [(LayerFacts?, LayerFacts?)]) -> [LayerChange] {
        var removed: [Digest: LayerFacts] = [:]
        for case (let layer?, nil) in rows { removed[layer.diffID] = layer }
        let moved = Set(rows.compactMap { $0.0 == nil ? $0.1?.diffID : nil }).intersection(removed.keys)
        return rows.compactMap { before, after in
            if let before, let after {
                let state = before.diffID == after.diffID ? State.same : .changed
                return LayerChange(state: state, before: before, after: after)
            }
            if let after {
                guard moved.contains(after.diffID) else { return LayerChange(state: .added, before: nil, after: after) }
                return LayerChange(state: .moved, before: removed[after.diffID], after: after)
            }
            guard let before, !moved.contains(before.diffID) else { return nil }
            return LayerChange(state: .removed, before: before, after: nil)
        }
    }

    private static func isSimilar(_ left: LayerFacts, _ right: LayerFacts) -> Bool {
        !left.command.isEmpty && left.command == right.command
    }

    /// Returns the part of the smaller set that the other has too.
    private static func share(_ left: Set<Int>, _ right: Set<Int>) -> Double {
        let smaller = min(left.count, right.count)
        return smaller == 0 ? 0 : Double(left.intersection(right).count) / Double(smaller)
    }

    /// Returns a number for each path and content of each layer.
    private static func files(_ tree: FileTree, _ count: Int) -> [Set<Int>] {
        var sets = [Set<Int>](repeating: [], count: count)
        for inode in tree.inodes where sets.indices.contains(inode.layer) && !inode.kind.isDirectory {
            var hasher = Hasher()
            hasher.combine(inode.path)
            hasher.combine(inode.content)
            hasher.combine(inode.kind)
            sets[inode.layer].insert(hasher.finalize())
        }
        return sets
    }
}

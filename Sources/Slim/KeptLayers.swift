internal import ImageFiles
internal import OCI

extension Planner {
    /// The part of the kept bytes that untouched layers may cost.
    private static let affordablePart = 0.05

    /// Keeps all files of the layers that stay untouched.
    mutating func keepLayers() {
        guard case .keep(let count) = options.layers, count > 0 else { return }
        var found: [(node: FileTree.NodeID, layer: Int)] = []
        tree.walk { _, node in
            let layer = tree.inode(of: node).layer
            if layer < count, !isKept(node) { found.append((node, layer)) }
        }
        for (node, layer) in found { keep(node, .layer(layer)) }
    }

    /// Returns the number of lowest layers whose dropped files cost little.
    ///
    /// The top layer is always written, since the image would else be the same. A layer with a file that the user
    /// excludes can't stay.
    func affordableLayers() -> Int {
        let inodes = tree.inodes
        let keptInodes = Set(kept.keys.map { tree[node: $0].inode })
        let allowed = Double(keptInodes.reduce(0) { $0 + inodes[$1].kind.size }) * Self.affordablePart
        var (cost, keptBytes) = (
            [Int64](repeating: 0, count: contents.image.layers.count),
            [Int64](repeating: 0, count: contents.image.layers.count)
        )
        for (id, inode) in inodes.enumerated() where inode.ordinal >= 0 {
            if keptInodes.contains(id) {
                keptBytes[inode.layer] += inode.kind.size
            } else {
                cost[inode.layer] += inode.kind.size
            }
        }
        let limit = excluded.map { tree.inode(of: $0).layer }.min() ?? .max
        var (count, sum) = (0, Int64(0))
        for index in cost.indices.dropLast() where index < limit {
            sum += cost[index]
            if Double(sum) <= allowed, keptBytes[index] > 0 { count = index + 1 }
        }
        return count
    }
}

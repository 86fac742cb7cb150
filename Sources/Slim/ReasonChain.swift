internal import OCI

/// The reasons for which paths are kept, as chains from a path to a reason that needs no other.
///
/// A cause was kept before its effect, so a chain that follows only earlier causes ends.
struct ReasonChain {
    let tree: FileTree
    let kept: [FileTree.NodeID: Set<KeepReason>]
    let order: [FileTree.NodeID: Int]

    /// Returns one line for each path of the chain.
    func lines(from start: FileTree.NodeID) -> [String] {
        var lines: [String] = []
        var current = start
        while let reason = reason(of: current) {
            lines.append("\(tree.path(of: current)) \(reason)")
            guard let cause = cause(of: reason, before: current) else { break }
            current = cause
        }
        return lines
    }

    /// Returns the reason of a path that tells the most: without a cause, or with one that was kept earlier.
    func reason(of node: FileTree.NodeID) -> KeepReason? {
        guard let reasons = kept[node] else { return nil }
        if reasons.count == 1 { return reasons.first }
        let firm = reasons.filter { $0.cause == nil || cause(of: $0, before: node) != nil }
        return (firm.isEmpty ? reasons : firm).min {
            $0.rank == $1.rank ? $0.description < $1.description : $0.rank < $1.rank
        }
    }

    /// Returns the node of a reason's cause, if it was kept before `node`.
    func cause(of reason: KeepReason, before node: FileTree.NodeID) -> FileTree.NodeID? {
        guard let path = reason.cause, let cause = tree.resolveParent(of: path)?.node,
            let (earlier, later) = order[cause].flatMap({ first in order[node].map { (first, $0) } })
        else { return nil }
        return earlier < later ? cause : nil
    }
}

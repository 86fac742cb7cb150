import Frontend
import OCI
import Support

@testable import Build

/// Makes a tree of one layer.
func tree(_ entries: [(LayerEntry, [UInt8])]) throws -> FileTree {
    var tree = FileTree()
    try tree.apply(entries.map { ($0.0, nil) }, layer: 0, name: "test")
    return tree
}

/// Returns the files that sources select in a tree, by the rules of a Dockerfile.
func selection(
    _ sources: [String], in tree: FileTree, excluding: [String] = [], keepingParents: Bool = false
) throws -> CopySelection {
    let words = excluding.map { Word($0, at: Position(line: 1, column: 1)) }
    return try CopySelection(
        sources.map { try keepingParents ? SourcePath(keepingParents: $0) : SourcePath($0) },
        excluding: IgnoreRules(excluding: words), in: tree)
}

/// Returns a plan's entries, one in each line: `/d/ 0755 0:0`, `/f 0644 0:0`, `/l -> x`, `/h = /f`.
func lines(_ plan: CopyPlan) -> [String] {
    plan.items.map { item in
        let metadata = item.entry.metadata
        let attributes = "0\(String(metadata.mode, radix: 8)) \(metadata.uid):\(metadata.gid)"
        return switch item.entry.change {
        case .add(.directory): "\(item.entry.path)/ \(attributes)"
        case .add(.symlink(let target)): "\(item.entry.path) -> \(String(decoding: target, as: UTF8.self))"
        case .link(let target): "\(item.entry.path) = \(target)"
        default: "\(item.entry.path) \(attributes)"
        }
    }
}

internal import ImageFiles
public import Linux
public import OCI

/// The decision of a plan about one path of the image.
public struct PathExplanation: Sendable {
    /// The decision.
    public enum Decision: Sendable, Equatable {
        /// The path is kept; the chain of reasons has a line for each path, up to a root.
        case kept(chain: [String])
        /// The path is dropped.
        case dropped(DropKind, package: String?, layer: Int)
    }

    /// The path.
    public let path: ImagePath
    /// The decision.
    public let decision: Decision

    /// The decision for people.
    public var text: String {
        switch decision {
        case .kept(let chain): chain.joined(separator: "\n")
        case .dropped(let kind, let package, let layer):
            "\(path) is dropped: \(kind.text)\(package.map { "; package \($0)" } ?? ""), layer \(layer + 1)"
        }
    }

    /// The decision as a member of a document.
    public var json: JSON {
        switch decision {
        case .kept(let chain):
            .object(["path": .string(path.description), "kept": .bool(true), "chain": .strings(chain)])
        case .dropped(let kind, let package, let layer):
            .object([
                "path": .string(path.description), "kept": .bool(false), "class": .string(kind.rawValue),
                "package": package.map(JSON.string) ?? .null, "layer": .integer(Int64(layer)),
            ])
        }
    }
}

extension SlimPlan {
    /// Returns the decision about a path; nil if it is not in the image.
    public func explanation(of path: ImagePath) -> PathExplanation? {
        contents.tree.resolveParent(of: path).map { explanation(of: $0.node, at: contents.tree.path(of: $0.node)) }
    }

    /// Returns the decisions about all paths that a pattern matches, in the order of the tree.
    public func explanations(matching pattern: ImagePathPattern) -> [PathExplanation] {
        var list: [PathExplanation] = []
        contents.tree.walk { path, node in
            if pattern.matches(path) { list.append(explanation(of: node, at: path)) }
        }
        return list
    }

    private func explanation(of node: FileTree.NodeID, at path: ImagePath) -> PathExplanation {
        if keep[node] != nil { return PathExplanation(path: path, decision: .kept(chain: chains.lines(from: node))) }
        let drop = dropReason(of: node, at: path)
        return PathExplanation(
            path: path,
            decision: .dropped(drop.kind, package: drop.package, layer: contents.tree.inode(of: node).layer))
    }

    /// Returns the class and the package of a dropped path.
    func dropReason(of node: FileTree.NodeID, at path: ImagePath) -> (kind: DropKind, package: String?) {
        let package = owners[node]
        if excluded.contains(node) { return (.excluded, package) }
        return (DropKind(path, package: package) ?? .unreached, package)
    }
}

internal import ImageFiles
internal import OCI

extension Planner {
    /// Keeps the files that were opened while the original ran, with their needs and the links to them.
    ///
    /// A program opens a name, but the kernel reports the path at the end of the links.
    mutating func keepObserved() {
        guard !options.observed.isEmpty else { return }
        var seen = Set<FileTree.NodeID>()
        for path in options.observed {
            // Files that the program created itself are in no image.
            guard path.first == UInt8(ascii: "/"), let found = tree.follow(path, from: FileTree.rootNode) else {
                continue
            }
            keep(found, .observed)
            keepSource(of: found.node)
            seen.formUnion(lineage(of: found.node))
        }
        keepLinks(to: seen)
    }

    /// Keeps the source of a compiled Python file, which is read instead of its source but not without it.
    private mutating func keepSource(of node: FileTree.NodeID) {
        guard let path = PythonBytecode.source(of: tree.path(of: node)), let source = tree.node(at: path) else {
            return
        }
        keep(source, .observed)
    }

    /// Returns a node and the directories above it, except for the root.
    func lineage(of node: FileTree.NodeID) -> [FileTree.NodeID] {
        var list: [FileTree.NodeID] = []
        var current = node
        while current != FileTree.rootNode {
            list.append(current)
            current = tree[node: current].parent
        }
        return list
    }

    private mutating func keepLinks(to seen: Set<FileTree.NodeID>) {
        var links: [FileTree.Found] = []
        tree.walk { path, node in
            guard tree.inode(of: node).kind.isSymlink, let found = tree.resolve(path), seen.contains(found.node) else {
                return
            }
            links.append(FileTree.Found(node: found.node, links: found.links + [node]))
        }
        for found in links {
            for link in found.links { keep(link, .symlink(to: tree.path(of: found.node))) }
        }
    }
}

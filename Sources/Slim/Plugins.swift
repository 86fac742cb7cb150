internal import ImageFiles
internal import OCI

extension Planner {
    /// Keeps packages that the user installed, depend on a used package, and have files in that one's directories.
    ///
    /// A program finds its plugins by listing directories, so nothing names them.
    mutating func keepPlugins() {
        for index in packages.list.indices where !expanded.contains(index) {
            let package = packages.list[index]
            guard packages.isRequested(package.name), !package.row.isBase, !DropKind.isManager(package.name),
                !["-dev", "-doc", "-dbg", "-dbgsym"].contains(where: package.name.hasSuffix),
                let host = packages.dependencies(of: index).first(where: { expanded.contains($0) }),
                let cause = packages.list[host].nodes.first(where: { isKept($0) && tree.inode(of: $0).kind.isFile })
            else { continue }
            let directories = pluginDirectories(of: host)
            let isPlugin = package.nodes.contains { node in
                tree.inode(of: node).kind.isFile
                    && lineage(of: node).dropFirst().contains { directories.contains($0) }
            }
            if isPlugin { keepPackage(index, for: cause) }
        }
    }

    /// Returns the directories of a package that belong to it alone, or to it and its plugins.
    private func pluginDirectories(of index: Int) -> Set<FileTree.NodeID> {
        Set(
            packages.list[index].nodes.filter { node in
                guard tree.inode(of: node).kind.isDirectory else { return false }
                let path = tree.path(of: node)
                let depth = path.components.count
                let isOwn = depth >= 3 || (depth == 2 && path.components[0].elementsEqual("etc".utf8))
                return isOwn && DropKind(path, package: nil) == nil && !path.name.text.contains("-linux-")
            })
    }
}

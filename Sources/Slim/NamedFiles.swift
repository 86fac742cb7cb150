internal import ImageFiles
internal import Linux
internal import OCI

/// The files of a used package that level `trace` keeps although they were not opened.
extension Planner {
    /// Keeps the settings and plugins of a package, and the files that its used program names.
    ///
    /// Programs of the package and packages that it depends on are kept only if something runs, loads or opens them.
    /// A file that can't be read for names may open any of the package's data.
    mutating func keepNamed(of index: Int, for node: FileTree.NodeID) {
        guard isLoadable(node), !isSkipped(index), !isOnlyPart(node) else { return }
        let (package, cause) = (packages.list[index], tree.path(of: node))
        let names = NamedPaths(contents.elf[tree[node: node].inode]?.commandTexts ?? [])
        for node in package.nodes where !isKept(node) && isWorthKeeping(node, nil) {
            let path = tree.path(of: node)
            if contents.isProgram(node), path.parent.name.hasSuffix("bin") { continue }
            if path.isWithin(.known("etc")) || isPlugin(node, path) || names.contains(path) {
                keep(node, .package(package.name, by: cause))
            }
        }
        expanded.insert(index)
    }

    /// True for a file that only its package keeps: it is no reason to keep more of that.
    private func isOnlyPart(_ node: FileTree.NodeID) -> Bool {
        kept[node]?.allSatisfy { if case .package = $0 { true } else { !$0.isUse } } ?? false
    }

    /// True for a library outside of the directories in which the loader looks: a program finds it by its own means.
    private func isPlugin(_ node: FileTree.NodeID, _ path: ImagePath) -> Bool {
        guard contents.elf[tree[node: node].inode] != nil else { return false }
        let directory = path.parent.name.text
        return !directory.hasPrefix("lib") && !directory.contains("-linux-") && !directory.hasSuffix("bin")
    }
}

/// The absolute paths in the texts of a program.
private struct NamedPaths {
    /// Nil if there are no texts to judge by.
    private let paths: Set<ImagePath>?

    init(_ texts: [[UInt8]]) {
        let named = texts.filter { $0.first == UInt8(ascii: "/") }.compactMap { try? ImagePath($0.text) }
        paths = texts.isEmpty ? nil : Set(named)
    }

    /// True if the path is named, or a directory above it other than those of the hierarchy.
    func contains(_ path: ImagePath) -> Bool {
        guard let paths else { return true }
        var current = path
        while current.components.count >= 3 {
            if paths.contains(current) { return true }
            current = current.parent
        }
        return paths.contains(path)
    }
}

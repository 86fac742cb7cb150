internal import Linux
public import OCI

/// Which files an image needs, and why: every kept path has a reason.
///
/// A value made from what is in the image alone; nothing of it is run. Equal images and options give equal plans.
public struct SlimPlan: Sendable {
    /// What was looked at.
    public let specimen: Specimen
    /// What stays, with why.
    public let keep: [FileTree.NodeID: Set<Reason>]
    /// Files that list what is in the image, with their new contents.
    public let replacements: [FileTree.NodeID: [UInt8]]
    /// Libraries that something kept wants and that the image lacks; it did so before.
    public let missing: [MissingLibrary]

    /// Plans what to keep of an image.
    ///
    /// - Throws: ``SlimError/nothingToRun`` for an image that names no program, ``SlimError/programMissing(_:)`` for
    ///   one whose program it does not have.
    public init(_ specimen: Specimen, options: SlimOptions = SlimOptions()) throws(SlimError) {
        var planner = Planner(specimen, options)
        try planner.plan()
        self.specimen = specimen
        keep = planner.kept
        replacements = planner.replacements()
        missing = planner.missing
    }
}

extension SlimPlan {
    /// Why a path is kept, from the path itself to a reason that needs no other: one line each. Nil if it is not kept.
    public func explain(_ path: ImagePath) -> [String]? {
        guard let start = node(path), keep[start] != nil else { return nil }
        var lines: [String] = []
        var seen = Set<FileTree.NodeID>()
        var current = start
        while seen.insert(current).inserted, let reason = mainReason(of: current) {
            lines.append("\(specimen.tree.path(of: current)) \(reason)")
            guard let cause = reason.cause.flatMap({ node($0) }) else { break }
            current = cause
        }
        return lines
    }

    /// The paths whose contents are new.
    public var rewritten: Set<ImagePath> { Set(replacements.keys.map { specimen.tree.path(of: $0) }) }

    /// Kept paths by the name of their main reason.
    public var reasonCounts: [String: Int] {
        keep.keys.reduce(into: [:]) { counts, node in
            if let reason = mainReason(of: node) { counts[reason.name, default: 0] += 1 }
        }
    }

    /// How many paths go.
    public var droppedCount: Int { droppedNodes.count }

    /// The paths that go, sorted.
    public var dropped: [ImagePath] { droppedNodes.map(\.path) }

    /// What goes, by the directory at the top: how many paths, and the bytes of their files.
    public var removed: [RemovedDirectory] {
        var directories: [ImagePath: RemovedDirectory] = [:]
        var counted = Set<FileTree.InodeID>(keep.keys.map { specimen.tree[node: $0].inode })
        for (path, node) in droppedNodes {
            let top = path.components.prefix(2).reduce(ImagePath.root) { $0.appending($1) }
            var entry = directories[top] ?? RemovedDirectory(path: top, count: 0, bytes: 0)
            entry.count += 1
            if counted.insert(specimen.tree[node: node].inode).inserted {
                entry.bytes += specimen.tree.inode(of: node).kind.size
            }
            directories[top] = entry
        }
        return directories.values.sorted { ($1.bytes, $0.path) < ($0.bytes, $1.path) }
    }

    private var droppedNodes: [(path: ImagePath, node: FileTree.NodeID)] {
        var list: [(path: ImagePath, node: FileTree.NodeID)] = []
        specimen.tree.walk { path, node in
            if keep[node] == nil { list.append((path, node)) }
        }
        return list
    }

    private func node(_ path: ImagePath) -> FileTree.NodeID? { specimen.tree.resolveParent(of: path)?.node }

    /// The reason that tells most: one that ends the question, else the first by name.
    private func mainReason(of node: FileTree.NodeID) -> Reason? {
        let order = [
            "entrypoint", "userInclude", "application", "declared", "argument", "command", "interpreter", "elfClosure",
            "shebang", "dynamicLoad", "profile", "observed", "package", "bytecode", "symlink", "packageMetadata",
            "parentDirectory",
        ]
        return keep[node]?.min {
            let (left, right) = (order.firstIndex(of: $0.name) ?? 0, order.firstIndex(of: $1.name) ?? 0)
            return (left, $0.description) < (right, $1.description)
        }
    }
}

/// What is removed from one directory.
public struct RemovedDirectory: Hashable, Sendable {
    /// The directory, at most two components deep.
    public let path: ImagePath
    /// How many paths in it go.
    public internal(set) var count: Int
    /// The bytes of files of which no name stays.
    public internal(set) var bytes: Int64
}

public import ImageFiles
internal import Linux
public import OCI

/// The files that an image needs, each kept path with its reasons.
///
/// The plan is a value made from the image's contents alone; no program of it runs. Equal images and options give equal
/// plans.
public struct SlimPlan: Sendable {
    /// The image that the plan is for.
    public let contents: ImageFiles
    /// The kept paths with their reasons.
    public let keep: [FileTree.NodeID: Set<KeepReason>]
    /// Files that list the image's files, with their new contents.
    public let replacements: [FileTree.NodeID: [UInt8]]
    /// Libraries that kept files need and that the original image lacks too.
    public let missing: [MissingLibrary]

    /// Plans the files to keep of an image.
    ///
    /// - Throws: ``SlimError/nothingToRun`` for an image without a command, ``SlimError/programMissing(_:)`` for one
    ///   without
    ///   its program.
    public init(_ contents: ImageFiles, options: SlimOptions = SlimOptions()) throws(SlimError) {
        var planner = Planner(contents, options)
        try planner.plan()
        self.contents = contents
        keep = planner.kept
        replacements = planner.replacements()
        missing = planner.missing
    }
}

extension SlimPlan {
    /// Returns the reasons for a path, one line each; nil if it is not kept.
    ///
    /// The lines go from the path itself to a reason that needs no other.
    public func explain(_ path: ImagePath) -> [String]? {
        guard let start = node(path), keep[start] != nil else { return nil }
        var lines: [String] = []
        var seen = Set<FileTree.NodeID>()
        var current = start
        while seen.insert(current).inserted, let reason = mainReason(of: current) {
            lines.append("\(contents.tree.path(of: current)) \(reason)")
            guard let cause = reason.cause.flatMap({ node($0) }) else { break }
            current = cause
        }
        return lines
    }

    /// The paths with new contents.
    public var rewritten: Set<ImagePath> { Set(replacements.keys.map { contents.tree.path(of: $0) }) }

    /// The number of kept paths by the name of their main reason.
    public var reasonCounts: [String: Int] {
        keep.keys.reduce(into: [:]) { counts, node in
            if let reason = mainReason(of: node) { counts[reason.name, default: 0] += 1 }
        }
    }

    /// The number of dropped paths.
    public var droppedCount: Int { droppedNodes.count }

    /// The dropped paths, sorted.
    public var dropped: [ImagePath] { droppedNodes.map(\.path) }

    /// The dropped paths by the directory at the top, with their number and the bytes of their files.
    public var removed: [RemovedDirectory] {
        var directories: [ImagePath: RemovedDirectory] = [:]
        var counted = Set<FileTree.InodeID>(keep.keys.map { contents.tree[node: $0].inode })
        for (path, node) in droppedNodes {
            let top = path.components.prefix(2).reduce(ImagePath.root) { $0.appending($1) }
            var entry = directories[top] ?? RemovedDirectory(path: top, count: 0, bytes: 0)
            entry.count += 1
            if counted.insert(contents.tree[node: node].inode).inserted {
                entry.bytes += contents.tree.inode(of: node).kind.size
            }
            directories[top] = entry
        }
        return directories.values.sorted { ($1.bytes, $0.path) < ($0.bytes, $1.path) }
    }

    private var droppedNodes: [(path: ImagePath, node: FileTree.NodeID)] {
        var list: [(path: ImagePath, node: FileTree.NodeID)] = []
        contents.tree.walk { path, node in
            if keep[node] == nil { list.append((path, node)) }
        }
        return list
    }

    private func node(_ path: ImagePath) -> FileTree.NodeID? { contents.tree.resolveParent(of: path)?.node }

    /// Returns the most informative reason: one that needs no other, or else the first by name.
    private func mainReason(of node: FileTree.NodeID) -> KeepReason? {
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

/// The dropped paths of one directory.
public struct RemovedDirectory: Hashable, Sendable {
    /// The directory, at most two components deep.
    public let path: ImagePath
    /// The number of dropped paths in it.
    public internal(set) var count: Int
    /// The bytes of files without any kept name.
    public internal(set) var bytes: Int64
}

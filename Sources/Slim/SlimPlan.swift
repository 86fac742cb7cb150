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
    /// The files that may be dropped at all.
    public let level: SlimLevel
    /// The kept paths with their reasons.
    public let keep: [FileTree.NodeID: Set<KeepReason>]
    /// Files that list the image's files, with their new contents.
    public let replacements: [FileTree.NodeID: [UInt8]]
    /// Libraries that kept files need and that the original image lacks too.
    public let missing: [MissingLibrary]
    /// Patterns of `--include` that match no path of the image.
    public let vainIncludes: [String]
    /// The number of the lowest layers that stay untouched.
    public let keptLayerCount: Int
    /// The reasons as chains.
    let chains: ReasonChain
    /// The packages of files.
    let owners: [FileTree.NodeID: String]
    /// The matches of `--exclude`.
    let excluded: Set<FileTree.NodeID>

    /// Plans the files to keep of an image.
    ///
    /// - Throws: ``SlimError/nothingToRun`` for an image without a command, ``SlimError/programMissing(_:)`` for one
    ///   without its program, ``SlimError/excludedNeeded(_:chain:)`` if an excluded file is needed.
    public init(_ contents: ImageFiles, options: SlimOptions = SlimOptions()) throws(SlimError) {
        var planner = Planner(contents, options)
        try planner.plan()
        if options.layers == .auto, case let count = planner.affordableLayers(), count > 0 {
            var options = options
            options.layers = .keep(count)
            planner = Planner(contents, options)
            try planner.plan()
        }
        keptLayerCount = if case .keep(let count) = planner.options.layers { count } else { 0 }
        self.contents = contents
        level = options.level
        keep = planner.kept
        replacements = planner.replacements()
        missing = planner.missing
        vainIncludes = planner.vainIncludes.map(\.description)
        chains = ReasonChain(tree: contents.tree, kept: planner.kept, order: planner.order)
        owners = planner.packages.owner.mapValues { planner.packages.list[$0].name }
        excluded = planner.excluded
    }
}

extension SlimPlan {
    /// Returns the reasons for a path, one line each; nil if it is not kept.
    ///
    /// The lines go from the path itself to a reason that needs no other.
    public func explain(_ path: ImagePath) -> [String]? {
        guard case .kept(let chain)? = explanation(of: path)?.decision else { return nil }
        return chain
    }

    /// The paths with new contents.
    public var rewritten: Set<ImagePath> { Set(replacements.keys.map { contents.tree.path(of: $0) }) }

    /// The number of kept paths by the name of their main reason.
    public var reasonCounts: [String: Int] {
        keep.keys.reduce(into: [:]) { counts, node in
            if let reason = chains.reason(of: node) { counts[reason.name, default: 0] += 1 }
        }
    }

    /// Returns those of the names in the image that lead to a dropped path, sorted.
    public func droppedPaths(of names: [[UInt8]]) -> [ImagePath] {
        let nodes = names.compactMap { contents.tree.follow($0, from: FileTree.rootNode)?.node }
        return Set(nodes.filter { keep[$0] == nil }.map { contents.tree.path(of: $0) }).sorted {
            $0.description < $1.description
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

    var droppedNodes: [(path: ImagePath, node: FileTree.NodeID)] {
        var list: [(path: ImagePath, node: FileTree.NodeID)] = []
        contents.tree.walk { path, node in
            if keep[node] == nil { list.append((path, node)) }
        }
        return list
    }

    /// True if the slim image has the same files as the image, whose layers have no others.
    public var changesNothing: Bool {
        contents.tree.inodes.allSatisfy { $0.linkCount > 0 || $0.kind.isDirectory || $0.layer < keptLayerCount }
            && droppedCount == 0
            && replacements.allSatisfy { node, bytes in
                contents.digest(of: contents.tree[node: node].inode) == Digest(of: bytes)
            }
    }

    /// The bytes of files that only the level keeps.
    public var levelBytes: Int64 {
        var counted = Set<FileTree.InodeID>()
        return keep.reduce(0) { sum, entry in
            guard entry.value.allSatisfy({ if case .level = $0 { true } else { false } }) else { return sum }
            let inode = contents.tree[node: entry.key].inode
            return counted.insert(inode).inserted ? sum + contents.tree.inodes[inode].kind.size : sum
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

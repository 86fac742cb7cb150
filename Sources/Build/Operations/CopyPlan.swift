internal import Frontend
internal import Linux
internal import OCI

/// What COPY or ADD puts where: pure, from a selection and the tree of the stage.
///
/// The rules are those of the reference, section 1.5: a directory's contents are copied, a file goes into a destination
/// that ends in a slash or is a directory, links of the target are followed inside its root, missing parents appear as
/// 0755 root or with the given owner and mode, hard links within one copy stay.
struct CopyPlan {
    /// One path of the new layer, and where its content comes from.
    struct Item {
        let entry: LayerEntry
        let source: FileTree.InodeID?
        let inline: [UInt8]
    }

    /// Where to and how.
    struct Destination {
        var text: String
        var workingDirectory: String
        var owner: (uid: UInt32, gid: UInt32)?
        var mode: FileMode?
    }

    /// The layer's entries, parents first, one a path.
    private(set) var items: [Item] = []
    /// The newest modification time of what is copied, in seconds.
    private(set) var newest: Int64 = 0

    private let destination: Destination
    private let target: FileTree
    private var positions: [ImagePath: Int] = [:]
    private var links: [FileTree.InodeID: ImagePath] = [:]

    /// Places `selection`, and files given in the Dockerfile itself, onto the tree `target`.
    init(
        _ selection: CopySelection?, inline: [(name: String, content: [UInt8])] = [], to destination: Destination,
        onto target: FileTree
    ) throws(BuildError) {
        self.destination = destination
        self.target = target
        let text = destination.text
        let path = resolved(try Self.absolute(text, in: destination.workingDirectory))
        let isDirectory = text.hasSuffix("/") || text.hasSuffix("/.") || text == "." || target.isDirectory(path)
        if let selection {
            for root in selection.roots { try copy(root, of: selection, to: path, into: isDirectory) }
        }
        for (name, content) in inline {
            let place = isDirectory ? path.appending(Array(name.utf8)) : path
            try makeParents(of: place)
            let metadata = adjusted(FileMetadata(mode: 0o644), isDirectory: false)
            add(LayerEntry(place, .add(.file(size: Int64(content.count))), metadata), inline: content)
        }
    }

    /// Just a directory and what it needs above it, where they are missing.
    init(directory path: ImagePath, _ destination: Destination, onto target: FileTree) throws(BuildError) {
        self.destination = destination
        self.target = target
        try makeDirectories(resolved(path), like: nil)
    }

    /// A path as the user wrote it, from the root; `..` stops there.
    static func absolute(_ text: String, in workingDirectory: String) throws(BuildError) -> ImagePath {
        var components: [Substring] = []
        for component in (text.hasPrefix("/") ? text : "\(workingDirectory)/\(text)").split(separator: "/") {
            if component == ".." { _ = components.popLast() } else if component != "." { components.append(component) }
        }
        do {
            return try ImagePath(components.joined(separator: "/"))
        } catch {
            throw .badPath(text, "\(error)")
        }
    }
}

extension CopyPlan {
    private mutating func copy(
        _ root: CopySelection.Root, of selection: CopySelection, to destination: ImagePath, into isDirectory: Bool
    ) throws(BuildError) {
        let tree = selection.tree
        guard tree.inode(of: root.node).kind.isDirectory else {
            let place = isDirectory ? resolved(destination.appending(root.name)) : destination
            try makeParents(of: place)
            return try put(root.node, of: tree, at: place)
        }
        if let old = target.inode(at: destination), !old.kind.isDirectory {
            throw .notADirectory(root.source, "\(destination)")
        }
        newest = max(newest, tree.inode(of: root.node).metadata.mtime.seconds)
        try makeDirectories(destination, like: tree.inode(of: root.node).metadata)
        var places: [ImagePath: ImagePath] = [.root: destination]
        let result = Result { () throws(BuildError) in
            var failure: BuildError?
            selection.walk(root) { path, node in
                // What was excluded takes what is below it along, unless that was asked for again.
                guard failure == nil, node != root.node else { return }
                do throws(BuildError) {
                    let parent = places[path.parent] ?? resolved(path.parent.moved(below: destination))
                    let place = parent.appending(path.name)
                    try makeParents(of: place)
                    let isDirectory = tree.inode(of: node).kind.isDirectory
                    if isDirectory { places[path] = resolved(place) }
                    try put(node, of: tree, at: isDirectory ? resolved(place) : place)
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
        }
        try result.get()
    }

    private mutating func put(_ node: FileTree.NodeID, of tree: FileTree, at place: ImagePath) throws(BuildError) {
        let inode = tree.inode(of: node)
        if let wasDirectory = isDirectory(place), wasDirectory != inode.kind.isDirectory {
            throw inode.kind.isDirectory
                ? .notADirectory("\(tree.path(of: node))", "\(place)") : .isADirectory("\(place)")
        }
        newest = max(newest, inode.metadata.mtime.seconds)
        let id = tree[node: node].inode
        let metadata = adjusted(inode.metadata, isDirectory: inode.kind.isDirectory, isLink: inode.kind.isSymlink)
        if inode.linkCount > 1, !inode.kind.isDirectory {
            if let first = links[id], first != place { return add(LayerEntry(place, .link(to: first), metadata)) }
            links[id] = place
        }
        add(LayerEntry(place, .add(inode.kind), metadata), source: inode.kind.isFile ? id : nil)
    }

    /// `path` with the links of the target tree followed as far as it exists.
    private func resolved(_ path: ImagePath) -> ImagePath {
        var current = ImagePath.root
        for component in path.components {
            let next = current.appending(component)
            current = target.resolve(next).map { target.path(of: $0.node) } ?? next
        }
        return current
    }

    private func adjusted(_ metadata: FileMetadata, isDirectory: Bool, isLink: Bool = false) -> FileMetadata {
        var metadata = metadata
        if let owner = destination.owner { (metadata.uid, metadata.gid) = owner }
        if let mode = destination.mode, !isLink {
            metadata.mode = UInt16(
                truncatingIfNeeded: mode.applied(to: UInt32(metadata.mode), isDirectory: isDirectory))
        }
        return metadata
    }

    private mutating func makeParents(of place: ImagePath) throws(BuildError) {
        if !place.isRoot { try makeDirectories(place.parent, like: nil) }
    }

    /// Whether what is at `place`, from an earlier source or the target, is a directory; nil where nothing is.
    private func isDirectory(_ place: ImagePath) -> Bool? {
        if let position = positions[place] { return items[position].entry.change == .add(.directory) }
        return target.inode(at: place)?.kind.isDirectory
    }

    /// Tells of a directory and all above it: as they are in the target, or new.
    private mutating func makeDirectories(_ path: ImagePath, like model: FileMetadata?) throws(BuildError) {
        guard !path.isRoot else { return }
        if isDirectory(path) == false { throw .badPath("\(path)", "is not a directory") }
        guard positions[path] == nil else { return }
        try makeDirectories(path.parent, like: nil)
        if let old = target.inode(at: path) {
            return add(LayerEntry(path, .add(.directory), old.metadata))
        }
        let metadata = adjusted(model ?? FileMetadata(mode: 0o755), isDirectory: true)
        add(LayerEntry(path, .add(.directory), metadata))
    }

    /// Adds a path, or replaces what an earlier source of the same instruction put there.
    private mutating func add(_ entry: LayerEntry, source: FileTree.InodeID? = nil, inline: [UInt8] = []) {
        let item = Item(entry: entry, source: source, inline: inline)
        if let position = positions[entry.path] {
            items[position] = item
        } else {
            positions[entry.path] = items.count
            items.append(item)
        }
    }
}

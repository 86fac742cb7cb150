internal import Frontend
internal import Linux
internal import OCI

/// The layer of COPY or ADD, computed from a selection and the stage's tree without I/O.
///
/// The rules are those of the reference, section 1.5:
/// - A directory's contents are copied.
/// - A file goes into a destination that ends in a slash or is a directory.
/// - Links of the target are resolved inside its root.
/// - Missing parents are made as 0755 root, or with the given owner and mode.
/// - Hard links within one source stay.
struct CopyPlan {
    /// One path of the new layer, and the origin of its content.
    struct CopiedPath {
        let entry: LayerEntry
        let source: FileTree.InodeID?
        let inline: [UInt8]
        /// True if the attributes are those of a directory of the tree below.
        var isFromTarget = false
    }

    /// The destination with its options.
    struct Destination {
        var text: String
        var workingDirectory: String
        var owner: (uid: UInt32, gid: UInt32)?
        var mode: FileMode?

        /// True if the text alone makes it a directory.
        var isDirectory: Bool { text.isEmpty || text == "." || text.hasSuffix("/") || text.hasSuffix("/.") }
    }

    /// The layer's entries, parents first, each path once.
    private(set) var items: [CopiedPath] = []
    /// The newest modification time of the copied files, in seconds since 1970.
    private(set) var newest: Int64 = 0

    /// The directories above the destination, which no source has.
    private(set) var madeDirectories: Set<ImagePath> = []
    /// The destination if several matches of one pattern were copied to it as a file; the last one stays.
    private(set) var replacedFile: ImagePath?

    /// The destination after links are followed; it ends in a slash if the tree below has a directory there.
    private(set) var place = ""

    private let destination: Destination
    /// The source that was copied to the destination as a file.
    private var fileSource: String?
    private let target: FileTree
    private var positions: [ImagePath: Int] = [:]
    /// The directory whose entries and parents were added last.
    private var lastParent: ImagePath?
    /// The first path of each file with several names in the current source.
    private var firstPlaces: [FileTree.InodeID: ImagePath] = [:]
    /// The paths of the target that an archive's entries replace.
    private var replaced: Set<ImagePath> = []
    /// The targets of hard links.
    private var linked: Set<ImagePath> = []

    /// Copies `selection`, and files of the Dockerfile itself, onto the tree `target`.
    init(
        _ selection: CopySelection?, inline: [(name: String, content: [UInt8])] = [], to destination: Destination,
        onto target: FileTree
    ) throws(BuildError) {
        self.destination = destination
        self.target = target
        let path = try target.destination(of: Self.absolute(destination.text, in: destination.workingDirectory))
        place = "\(path)" + (target.isDirectory(path) ? "/" : "")
        if let selection {
            for root in selection.roots { try copy(root, of: selection, to: path) }
        }
        for (name, content) in inline {
            guard let place = takesFiles(path) ? Self.place(named: name, in: path) : path else {
                throw .badPath(name, "is not a valid file name")
            }
            if place == path { try note(file: "<<\(name)", at: place) }
            try expectNoDirectory(at: place)
            try makeParents(of: place)
            let metadata = adjusted(FileMetadata(mode: 0o644), isDirectory: false)
            add(LayerEntry(place, .add(.file(size: Int64(content.count))), metadata), inline: content)
        }
    }

    /// Makes only a directory and its missing parents.
    init(directory path: ImagePath, _ destination: Destination, onto target: FileTree) throws(BuildError) {
        self.destination = destination
        self.target = target
        try makeDirectories(target.destination(of: path))
    }

    /// An empty plan.
    init() {
        destination = Destination(text: "/", workingDirectory: "/")
        target = FileTree()
    }

    /// Returns a path of the Dockerfile as an absolute path; `..` stops at the root.
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

    /// Returns the path of a file in a directory; nil for a name that leads elsewhere.
    private static func place(named name: String, in directory: ImagePath) -> ImagePath? {
        let path = try? ImagePath(name)
        return path?.components.count == 1 && !name.contains("/") ? path?.moved(below: directory) : nil
    }
}

// MARK: - Sources

extension CopyPlan {
    private mutating func copy(
        _ root: CopySelection.Root, of selection: CopySelection, to path: ImagePath
    ) throws(BuildError) {
        firstPlaces = [:]
        guard selection.tree.inode(of: root.node).kind.isDirectory else {
            // A link of that name in the destination is replaced, not followed.
            if takesFiles(path) { return try put(root.node, of: selection.tree, at: path.appending(root.name)) }
            try note(file: root.source, at: path)
            return try put(root.node, of: selection.tree, at: path)
        }
        if isDirectory(path) == false { throw .notADirectory(root.source, "\(path)") }
        try makeDirectories(path)
        setTime(of: path, like: selection.tree.inode(of: root.node))
        var places: [ImagePath: ImagePath] = [.root: path]
        try selection.walk(root) { (found) throws(BuildError) in
            guard !found.path.isRoot, let parent = places[found.path.parent] else { return }
            let place = parent.appending(found.path.name)
            if root.isArchive { try makeWay(for: found, of: selection.tree, at: place, below: path) }
            if selection.tree.inode(of: found.node).kind.isDirectory {
                let isImplied = root.isArchive && selection.tree.inode(of: found.node).ordinal < 0
                let follows = isImplied && isDirectory(place) == false
                let end = follows ? try target.destination(of: place, within: path) : place
                places[found.path] = try merge(found, of: selection.tree, at: end, isImplied: isImplied)
            } else {
                try put(found.node, of: selection.tree, at: place)
            }
        }
    }

    /// Records a file at the destination itself, which holds only one.
    ///
    /// - Throws: ``BuildError/severalSources(_:)`` if the instruction names another file before.
    private mutating func note(file source: String, at path: ImagePath) throws(BuildError) {
        if let fileSource, fileSource != source { throw .severalSources("\(path)") }
        if fileSource != nil { replacedFile = path }
        fileSource = source
    }

    /// Removes what an archive's entry replaces: anything except a directory by a directory.
    ///
    /// A directory that the archive only implies keeps a link to a directory.
    private mutating func makeWay(
        for found: CopySelection.SelectedPath, of tree: FileTree, at place: ImagePath, below top: ImagePath
    ) throws(BuildError) {
        let inode = tree.inode(of: found.node)
        switch (isDirectory(place), inode.kind.isDirectory) {
        case (nil, _), (true, true): return
        case (false, true):
            let isLink = positions[place] == nil && target.inode(at: place)?.kind.isSymlink == true
            if isLink, inode.ordinal < 0, target.isDirectory(try target.destination(of: place, within: top)) { return }
            replaced.insert(place)
        case (_, false): replaced.insert(place)
        }
        remove(within: place)
    }

    /// Removes the entries of earlier sources at and below a path.
    private mutating func remove(within place: ImagePath) {
        let old = items.filter { $0.entry.path.isWithin(place) }
        guard !old.isEmpty else { return }
        for item in old { keepLinks(to: item) }
        items.removeAll { $0.entry.path.isWithin(place) }
        lastParent = nil
        positions = Dictionary(uniqueKeysWithValues: items.enumerated().map { ($1.entry.path, $0) })
    }

    /// Copies a directory inside a source, and returns its path.
    ///
    /// - Parameter isImplied: True if the source has no attributes of it, so that those of an existing one stay.
    private mutating func merge(
        _ found: CopySelection.SelectedPath, of tree: FileTree, at place: ImagePath, isImplied: Bool
    ) throws(BuildError) -> ImagePath {
        if isDirectory(place) == false { throw .notADirectory("\(tree.path(of: found.node))", "\(place)") }
        try makeParents(of: place)
        let inode = tree.inode(of: found.node)
        var metadata = adjusted(inode.metadata, isDirectory: true)
        let old = isImplied || found.isOnlyParent ? attributes(at: place) : nil
        let isFromTarget = old != nil && positions[place].map { items[$0].isFromTarget } ?? true
        if isImplied, let old {
            metadata = old
        } else if found.isOnlyParent, let old {
            metadata = old
            metadata.mode = inode.metadata.mode
        } else {
            newest = max(newest, inode.metadata.mtime.seconds)
        }
        add(LayerEntry(place, .add(.directory), metadata), isFromTarget: isFromTarget)
        madeDirectories.remove(place)
        return place
    }

    /// Copies an entry other than a directory.
    private mutating func put(_ node: FileTree.NodeID, of tree: FileTree, at place: ImagePath) throws(BuildError) {
        try expectNoDirectory(at: place)
        try makeParents(of: place)
        let inode = tree.inode(of: node)
        let id = tree[node: node].inode
        newest = max(newest, inode.metadata.mtime.seconds)
        let metadata = adjusted(inode.metadata, isDirectory: false, isLink: inode.kind.isSymlink)
        if inode.linkCount > 1, inode.kind.isFile {
            if let first = firstPlaces[id], first != place {
                linked.insert(first)
                return add(LayerEntry(place, .link(to: first), metadata), source: id)
            }
        }
        add(LayerEntry(place, .add(inode.kind), metadata), source: inode.kind.isFile ? id : nil)
        if inode.linkCount > 1 { firstPlaces[id] = place }
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
}

// MARK: - The layer so far

extension CopyPlan {
    /// True if an earlier source or the target has a directory at `place`; nil if nothing is there.
    private func isDirectory(_ place: ImagePath) -> Bool? {
        if let position = positions[place] { return items[position].entry.change == .add(.directory) }
        if !replaced.isEmpty, replaced.contains(where: { place.isWithin($0) }) { return nil }
        return target.inode(at: place)?.kind.isDirectory
    }

    /// True if a file that is copied to `path` goes into it, as into a directory.
    private func takesFiles(_ path: ImagePath) -> Bool { destination.isDirectory || isDirectory(path) == true }

    private func expectNoDirectory(at place: ImagePath) throws(BuildError) {
        if isDirectory(place) == true { throw .isADirectory("\(place)") }
    }

    private func attributes(at place: ImagePath) -> FileMetadata? {
        guard isDirectory(place) != nil else { return nil }
        return positions[place].map { items[$0].entry.metadata } ?? target.inode(at: place)?.metadata
    }

    private mutating func makeParents(of place: ImagePath) throws(BuildError) {
        if place.isRoot { return }
        if let lastParent, place.isEntry(of: lastParent) { return }
        let parent = place.parent
        try makeDirectories(parent)
        lastParent = parent
    }

    /// Adds a directory and all its parents: as they are in the target, or new.
    private mutating func makeDirectories(_ path: ImagePath) throws(BuildError) {
        var missing: [ImagePath] = []
        var next = path
        while !next.isRoot {
            if isDirectory(next) == false { throw .badPath("\(next)", "is not a directory") }
            if positions[next] != nil { break }
            missing.append(next)
            next = next.parent
        }
        for path in missing.reversed() {
            let old = attributes(at: path)
            add(LayerEntry(path, .add(.directory), old ?? newDirectory), isFromTarget: old != nil)
            madeDirectories.insert(path)
        }
    }

    /// The metadata of a directory that no source has; a symbolic mode doesn't apply to it.
    private var newDirectory: FileMetadata {
        let mode: UInt32 = if case .octal(let bits) = destination.mode { bits & 0o777 } else { 0o755 }
        let (uid, gid) = destination.owner ?? (0, 0)
        return FileMetadata(mode: UInt16(truncatingIfNeeded: mode), uid: uid, gid: gid)
    }

    /// Sets the time of a directory of the layer to that of the source's directory, if it has one.
    private mutating func setTime(of path: ImagePath, like model: FileTree.Inode) {
        guard let position = positions[path], model.ordinal >= 0 else { return }
        var entry = items[position].entry
        entry.metadata.mtime = model.metadata.mtime
        newest = max(newest, model.metadata.mtime.seconds)
        add(entry)
    }

    /// Adds a path, or replaces one from an earlier source of the same instruction.
    private mutating func add(
        _ entry: LayerEntry, source: FileTree.InodeID? = nil, inline: [UInt8] = [], isFromTarget: Bool = false
    ) {
        let item = CopiedPath(entry: entry, source: source, inline: inline, isFromTarget: isFromTarget)
        if let position = positions[entry.path] {
            keepLinks(to: items[position])
            items[position] = item
        } else {
            positions[entry.path] = items.count
            items.append(item)
        }
    }

    /// Moves the content of a replaced file to its first hard link.
    private mutating func keepLinks(to old: CopiedPath) {
        guard let id = old.source, case .add = old.entry.change else { return }
        var heir: ImagePath?
        if linked.remove(old.entry.path) != nil {
            for position in items.indices where items[position].entry.change == .link(to: old.entry.path) {
                let item = items[position]
                var entry = item.entry
                entry.change = heir.map { .link(to: $0) } ?? old.entry.change
                heir = heir ?? entry.path
                items[position] = CopiedPath(entry: entry, source: item.source, inline: [])
            }
        }
        if let heir { linked.insert(heir) }
        if firstPlaces[id] == old.entry.path { firstPlaces[id] = heir }
    }
}

extension FileTree {
    /// Resolves a path: links are followed as far as entries exist, the rest stays; `..` stops at the root.
    ///
    /// - Parameter root: The directory that links take for the root; it must not lead through a link itself.
    func destination(of path: ImagePath, within root: ImagePath = .root) throws(BuildError) -> ImagePath {
        let depth = root.components.count
        var pending = Array(path.components.dropFirst(depth).map(Array.init).reversed())
        // The nodes of the root and of all existing names.
        let (top, above) = startNodes(of: root)
        var (names, nodes) = (top, above)
        var links = 0
        while let name = pending.popLast() {
            if name == [UInt8(ascii: ".")] { continue }
            if name == [UInt8(ascii: "."), UInt8(ascii: ".")] {
                guard names.count > depth else { continue }
                if nodes.count == names.count + 1 { nodes.removeLast() }
                names.removeLast()
                continue
            }
            let child = nodes.count == names.count + 1 ? nodes.last.flatMap { self[node: $0].children[name] } : nil
            guard let child, case .symlink(let target) = inode(of: child).kind else {
                names.append(name)
                if let child { nodes.append(child) }
                continue
            }
            links += 1
            guard links <= 40 else { throw .badPath("\(path)", "goes through a loop of symbolic links") }
            if target.first == UInt8(ascii: "/") { (names, nodes) = (top, above) }
            pending += target.split(separator: UInt8(ascii: "/")).map(Array.init).reversed()
        }
        do {
            return try ImagePath(entry: Array(names.joined(separator: [UInt8(ascii: "/")])))
        } catch {
            throw .badPath("\(path)", "leads to a path that \(error)")
        }
    }

    /// Returns the names of a path, and the nodes of the root and of each existing name.
    private func startNodes(of path: ImagePath) -> (names: [[UInt8]], nodes: [FileTree.NodeID]) {
        var nodes = [FileTree.rootNode]
        let names = path.components.map(Array.init)
        for name in names {
            guard let child = nodes.last.flatMap({ self[node: $0].children[name] }) else { break }
            nodes.append(child)
        }
        return (names, nodes)
    }
}

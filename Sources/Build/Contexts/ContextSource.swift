internal import Linux
internal import OCI
internal import SystemPackage

/// The files of a directory that the ignore rules don't exclude, opened only below that directory.
struct ContextSource: CopySource {
    let tree: FileTree
    private let hashes: ContextHashes?
    /// The walk, whose entries are those of the tree, by ordinal.
    private let walk: ContextWalk
    /// The known digests of files at the time of the walk, by ordinal.
    private let known: [Digest?]

    private var directory: Directory { walk.directory }

    /// Walks the directory; `hashes` has the known digests of unchanged files.
    init(_ directory: Directory, hashes: ContextHashes?, rules: ContextRules = ContextRules()) throws {
        try self.init(ContextWalk(directory, rules), hashes: hashes)
    }

    /// The files found by a walk.
    init(_ walk: ContextWalk, hashes: ContextHashes?) throws {
        self.walk = walk
        self.hashes = hashes
        let (entries, known) = try Self.entries(of: walk, hashes)
        var tree = FileTree()
        try tree.apply(entries, layer: 0, name: "context")
        self.tree = tree
        self.known = known
    }

    private struct LinkKey: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    /// Returns the entries of the tree, and the digests of those that are unchanged.
    private static func entries(
        of walk: ContextWalk, _ hashes: ContextHashes?
    ) throws -> (entries: [(entry: LayerEntry, content: Digest?)], known: [Digest?]) {
        var links: [LinkKey: ImagePath] = [:]
        var (result, digests): ([(entry: LayerEntry, content: Digest?)], [Digest?]) = ([], [])
        result.reserveCapacity(walk.entries.count)
        digests.reserveCapacity(walk.entries.count)
        var parent = LastDirectory(walk.directory)
        for entry in walk.entries {
            let status = entry.status
            var change = try change(entry, in: walk.directory)
            if status.linkCount > 1, status.type != .directory {
                let key = LinkKey(device: status.device, inode: status.inode)
                if let first = links[key] { change = .link(to: first) } else { links[key] = entry.path }
            }
            let known = status.type == .regular ? hashes?.remembered(entry.path, status) : nil
            var metadata = FileMetadata(mode: UInt16(status.mode & 0o7777), mtime: status.modified)
            if known?.hasAttributes != false, try parent.hasAttributes(entry.path) {
                metadata.xattrs = try reading(entry.path) {
                    try walk.directory.layerAttributes(of: FilePath(entry.path))
                }
            }
            result.append((LayerEntry(entry.path, change, metadata), nil))
            digests.append(known?.digest)
        }
        return (result, digests)
    }

    /// Returns the entry's change; a socket, which a layer can't contain, is an empty file.
    private static func change(_ entry: ContextWalk.Entry, in root: Directory) throws -> LayerEntry.Change {
        let status = entry.status
        return switch status.type {
        case .directory: .add(.directory)
        case .regular: .add(.file(size: status.size))
        case .symbolicLink: .add(.symlink(target: try root.target(ofLink: FilePath(entry.path))))
        case .characterDevice: .add(.characterDevice(major: status.major, minor: status.minor))
        case .blockDevice: .add(.blockDevice(major: status.major, minor: status.minor))
        case .fifo: .add(.fifo)
        case .socket: .add(.file(size: 0))
        }
    }

    func digests(of inodes: [FileTree.InodeID]) throws -> [FileTree.InodeID: Digest] {
        var digests: [FileTree.InodeID: Digest] = [:]
        digests.reserveCapacity(inodes.count)
        var parent = LastDirectory(directory)
        for inode in inodes {
            if let known = known[tree.inodes[inode].ordinal] {
                digests[inode] = known
                continue
            }
            var hasher = Digest.Hasher()
            try read(inode, below: &parent) { hasher.update($0) }
            let digest = hasher.finalize()
            remember(digest, of: inode)
            digests[inode] = digest
        }
        return digests
    }

    func remember(_ digest: Digest, of inode: FileTree.InodeID) {
        let status = status(of: inode)
        if status.type == .socket || known[tree.inodes[inode].ordinal] != nil { return }
        hashes?.remember(
            digest, of: tree.inodes[inode].path, status, hasAttributes: !tree.inodes[inode].metadata.xattrs.isEmpty)
    }

    private func status(of inode: FileTree.InodeID) -> FileStatus { walk.entries[tree.inodes[inode].ordinal].status }

    func read(
        _ inodes: [FileTree.InodeID], begin: (FileTree.InodeID) throws -> Void,
        chunk: (ArraySlice<UInt8>) throws -> Void
    ) throws {
        var parent = LastDirectory(directory)
        for inode in inodes {
            try begin(inode)
            try read(inode, below: &parent, to: chunk)
        }
    }

    /// Reads one file; throws if it changed since the walk, so that no wrong digest is remembered.
    private func read(
        _ inode: FileTree.InodeID, below parent: inout LastDirectory, to chunk: (ArraySlice<UInt8>) throws -> Void
    ) throws {
        let path = tree.inodes[inode].path
        let then = status(of: inode)
        if then.type == .socket { return }
        let file = try parent.open(path)
        var left = tree.inodes[inode].kind.size
        while left > 0 {
            let bytes = try file.read(Int(min(left, 256 << 10)))
            guard !bytes.isEmpty else { throw BuildError.contextChanged("\(path)") }
            left -= Int64(bytes.count)
            try chunk(bytes[...])
        }
        let now = try file.status()
        guard now.inode == then.inode, now.size == then.size, now.modified == then.modified,
            now.changed == then.changed
        else { throw BuildError.contextChanged("\(path)") }
    }

    /// Opens a file; never follows a link and never waits, even if another file has taken its place.
    func open(_ path: ImagePath) throws -> OwnedDescriptor {
        do throws(SystemError) {
            return try directory.open(FilePath(path), [.read, .noFollow, .nonBlocking])
        } catch {
            throw error.about(path)
        }
    }

    /// Writes all files as one layer of a store, each entry as `adjust` returns it.
    func layer(in store: Store, adjusting adjust: (LayerEntry) -> LayerEntry = { $0 }) throws -> Layer {
        let writer = try LayerWriter(into: store, compression: .uncompressed)
        var parent = LastDirectory(directory)
        var paths: [FileTree.InodeID: ImagePath] = [:]
        var links: [LayerEntry] = []
        try tree.walk { path, node in
            guard node != FileTree.rootNode else { return }
            let (id, inode) = (tree[node: node].inode, tree.inode(of: node))
            if inode.linkCount > 1, !inode.kind.isDirectory, let first = paths[id] {
                return links.append(adjust(LayerEntry(path, .link(to: first), inode.metadata)))
            }
            paths[id] = path
            try writer.add(adjust(LayerEntry(path, .add(inode.kind), inode.metadata)))
            guard inode.kind.isFile else { return }
            try read(id, below: &parent) { try writer.write($0) }
        }
        for link in links { try writer.add(link) }
        return try writer.finish()
    }
}

/// The directory of the file that was opened last: most files follow another one of the same directory.
private struct LastDirectory {
    private let root: Directory
    private var path = ImagePath.root
    private var directory: Directory

    init(_ root: Directory) { (self.root, directory) = (root, root) }

    /// Opens a file; never follows a link out of the root and never waits, even if another file has taken its place.
    mutating func open(_ file: ImagePath) throws -> OwnedDescriptor {
        try inParent(of: file) { (parent, name) throws(SystemError) in try parent.open(entry: name) }
    }

    /// True if a file has extended attributes.
    mutating func hasAttributes(_ file: ImagePath) throws -> Bool {
        try inParent(of: file) { (parent, name) throws(SystemError) in try parent.hasAttributes(entry: name) }
    }

    private mutating func inParent<Result: ~Copyable>(
        of file: ImagePath, _ body: (Directory, [UInt8]) throws(SystemError) -> Result
    ) throws -> Result {
        do throws(SystemError) {
            if !file.isEntry(of: path) {
                let parent = file.parent
                directory = parent.isRoot ? root : try root.directory(FilePath(parent))
                path = parent
            }
            return try body(directory, Array(file.name))
        } catch {
            throw error.about(file)
        }
    }
}

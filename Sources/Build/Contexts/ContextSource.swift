internal import Linux
internal import OCI
internal import SystemPackage

/// The files of a directory that the ignore rules don't exclude, opened only below that directory.
struct ContextSource: CopySource {
    let tree: FileTree
    private let directory: Directory
    private let hashes: ContextHashes?
    /// The recorded files, by the ordinal of their entry.
    private let stats: [FileStat]

    /// A file's status and known digest at the time of the walk.
    private struct FileStat {
        let status: FileStatus
        let digest: [UInt8]?
    }

    /// Walks the directory; `hashes` has the known digests of unchanged files.
    init(_ directory: Directory, hashes: ContextHashes?, rules: ContextRules = ContextRules()) throws {
        try self.init(ContextWalk(directory, rules), hashes: hashes)
    }

    /// The files found by a walk.
    init(_ walk: ContextWalk, hashes: ContextHashes?) throws {
        directory = walk.directory
        self.hashes = hashes
        let (entries, stats) = try Self.entries(of: walk, hashes)
        var tree = FileTree()
        try tree.apply(entries, layer: 0, name: "context")
        self.tree = tree
        self.stats = stats
    }

    private struct LinkKey: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    /// Returns the entries of the tree, each with its status and, if unchanged, its known digest.
    private static func entries(
        of walk: ContextWalk, _ hashes: ContextHashes?
    ) throws -> (entries: [(entry: LayerEntry, content: Digest?)], stats: [FileStat]) {
        var links: [LinkKey: ImagePath] = [:]
        var (result, stats): ([(entry: LayerEntry, content: Digest?)], [FileStat]) = ([], [])
        result.reserveCapacity(walk.entries.count)
        stats.reserveCapacity(walk.entries.count)
        for entry in walk.entries {
            let status = entry.status
            var change = try change(entry, in: walk.directory)
            if status.linkCount > 1, status.type != .directory {
                let key = LinkKey(device: status.device, inode: status.inode)
                if let first = links[key] { change = .link(to: first) } else { links[key] = entry.path }
            }
            let known = status.type == .regular ? hashes?.remembered(entry.path, status) : nil
            var metadata = FileMetadata(mode: UInt16(status.mode & 0o7777), mtime: status.modified)
            if known?.hasAttributes != false {
                metadata.xattrs = try reading(entry.path) {
                    try walk.directory.layerAttributes(of: FilePath(entry.path))
                }
            }
            result.append((LayerEntry(entry.path, change, metadata), nil))
            stats.append(FileStat(status: status, digest: known?.digest))
        }
        return (result, stats)
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
            let look = stats[tree.inodes[inode].ordinal]
            if let known = look.digest.flatMap({ Digest(bytes: $0) }) {
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
        let look = stats[tree.inodes[inode].ordinal]
        if look.status.type == .socket || look.digest != nil { return }
        hashes?.remember(
            digest, of: tree.inodes[inode].path, look.status,
            hasAttributes: !tree.inodes[inode].metadata.xattrs.isEmpty)
    }

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
        if stats[tree.inodes[inode].ordinal].status.type == .socket { return }
        let file = try parent.open(path)
        var left = tree.inodes[inode].kind.size
        while left > 0 {
            let bytes = try file.read(Int(min(left, 256 << 10)))
            guard !bytes.isEmpty else { throw BuildError.contextChanged("\(path)") }
            left -= Int64(bytes.count)
            try chunk(bytes[...])
        }
        let (then, now) = (stats[tree.inodes[inode].ordinal].status, try file.status())
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
        do throws(SystemError) {
            let parent = file.parent
            if parent != path {
                directory = parent.isRoot ? root : try root.directory(FilePath(parent))
                path = parent
            }
            return try directory.open(entry: Array(file.name))
        } catch {
            throw error.about(file)
        }
    }
}

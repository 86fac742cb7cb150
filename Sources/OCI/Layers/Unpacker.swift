public import Linux
public import SystemPackage

/// A writer of one layer in the form that overlayfs uses as a lower directory.
///
/// A whiteout becomes a character device 0:0, and an emptied directory has overlayfs's mark. Everything is opened below
/// the target directory and never through a link that leaves it. Overlayfs shows the topmost directory's attributes, so
/// directories that the layer doesn't mention get those of the tree. In a user namespace ``UnmappedOwners`` describes
/// the replacements for files that cannot be stored.
public struct Unpacker {
    let image: Image
    private let index: Int
    let tree: FileTree
    let target: Directory
    private let lower: [FilePath]
    private let unmappedOwners: UnmappedOwners

    /// A property of the layer that is missing in the unpacked copy.
    public enum Omission: Hashable, Sendable {
        /// A device whose number Linux doesn't have: an empty file replaces it.
        case device(ImagePath)
        /// An extended attribute that no file system of this machine can store.
        case attribute(String, of: ImagePath)
    }

    /// Prepares to unpack the image's layer `index` into the empty directory `target`.
    ///
    /// `tree` is the tree of layers 0 to `index`. `lower` are the directories of the layers below, topmost first, which
    /// may have the other end of a hard link. `ids` is the ID map for the files' owners.
    public init(
        _ image: Image, layer index: Int, tree: FileTree, into target: Directory, lower: [FilePath], ids: IDMap
    ) {
        self.image = image
        self.index = index
        self.tree = tree
        self.target = target
        self.lower = lower
        unmappedOwners = UnmappedOwners(ids: ids)
    }

    /// Unpacks everything and returns the missing properties, which the image keeps.
    ///
    /// Needs root privileges, at least in a user namespace. Whiteouts act before all other entries of their own layer,
    /// wherever they are in it.
    @discardableResult
    public func unpack() throws -> [Omission] {
        var omissions: [Omission] = []
        let reader = try image.open(image.layers[index])
        while let entry = try reader.next() {
            let path = resolvedPath(of: entry.path)
            switch entry.change {
            case .remove: try remove(path)
            case .clear: try clear(path)
            case .add(.directory): try makeDirectory(path)
            case .add(let kind):
                try makeRoom(at: path)
                omissions += try make(kind, at: path, entry.metadata) { try reader.readContent($0) }
            case .link(let old):
                try makeRoom(at: path)
                omissions += try link(path, to: resolvedPath(of: old))
            }
        }
        return try omissions + applyDirectories()
    }

    /// Returns the path of an entry after following the links among its parents.
    private func resolvedPath(of path: ImagePath) -> ImagePath {
        guard !path.isRoot, let parent = tree.resolve(path.parent) else { return path }
        return parent.links.isEmpty ? path : tree.path(of: parent.node).appending(path.name)
    }

    private func remove(_ path: ImagePath) throws {
        // A whiteout in a directory that doesn't exist removes nothing.
        guard !path.isRoot, tree.isDirectory(path.parent) else { return }
        if try !target.exists(FilePath(path)) {
            try makeDirectory(path.parent)
            return try target.makeNode(FilePath(path), type: .characterDevice, mode: 0, major: 0, minor: 0)
        }
        if try target.status(of: FilePath(path)).type == .directory { try makeOpaque(path) }
    }

    private func clear(_ path: ImagePath) throws {
        guard let found = tree.resolve(path), tree.inode(of: found.node).kind.isDirectory else { return }
        try makeDirectory(tree.path(of: found.node), isOpaque: true)
    }

    /// Makes a directory and those above it, if they are missing or something else has their place.
    func makeDirectory(_ path: ImagePath, isOpaque: Bool = false) throws {
        guard !path.isRoot else { return }
        var missing: [ImagePath] = []
        var above = path
        while !above.isRoot, try !target.exists(FilePath(above)) {
            missing.append(above)
            above = above.parent
        }
        if !above.isRoot {
            let status = try target.status(of: FilePath(above))
            if status.type != .directory {
                try target.remove(FilePath(above))
                try target.makeDirectory(FilePath(above), mode: 0o700)
                if status.isWhiteout { try makeOpaque(above) }
            }
        }
        for path in missing.reversed() { try target.makeDirectory(FilePath(path), mode: 0o700) }
        if isOpaque { try makeOpaque(path) }
    }

    private func makeOpaque(_ path: ImagePath) throws {
        try target.setAttribute(unmappedOwners.opaqueMark, of: FilePath(path), to: Array("y".utf8))
    }

    private func makeRoom(at path: ImagePath) throws {
        try makeDirectory(path.parent)
        if try target.exists(FilePath(path)) { try target.removeTree(FilePath(path)) }
    }

    /// Sets the attributes of every directory.
    ///
    /// Last, because every file made in a directory changes its time.
    func applyDirectories() throws -> [Omission] {
        var directories: [ImagePath] = []
        var stack: [ImagePath] = [.root]
        while let path = stack.popLast() {
            directories.append(path)
            let open = path.isRoot ? target : try target.directory(FilePath(path))
            for entry in try open.entries() {
                let child = path.appending(entry.name)
                if try (entry.type ?? target.status(of: FilePath(child)).type) == .directory { stack.append(child) }
            }
        }
        return try directories.reversed().flatMap { path in
            try apply(tree.inode(at: path)?.metadata ?? FileMetadata(mode: 0o755), to: path, .directory)
        }
    }

    func make(
        _ kind: FileKind, at path: ImagePath, _ metadata: FileMetadata,
        content: ((ArraySlice<UInt8>) throws -> Void) throws -> Void
    ) throws -> [Omission] {
        let place = FilePath(path)
        switch unmappedOwners.holds(kind) ? kind : .file(size: 0) {
        case .directory: preconditionFailure("directories are made by makeDirectory")
        case .file:
            let file = try target.open(place, [.write, .create, .exclusive], mode: 0o600)
            try content { try unsafe file.write($0.span.bytes) }
            try file.close()
        case .symlink(let link): try target.makeLink(place, to: FilePath(bytes: link))
        case .characterDevice(let major, let minor):
            try target.makeNode(place, type: .characterDevice, mode: 0o600, major: major, minor: minor)
        case .blockDevice(let major, let minor):
            try target.makeNode(place, type: .blockDevice, mode: 0o600, major: major, minor: minor)
        case .fifo: try target.makeNode(place, type: .fifo, mode: 0o600)
        }
        // In a user namespace no device can be made; that is reported once at the start.
        let isDeviceLacking = unmappedOwners.ids.isInitial && !unmappedOwners.holds(kind)
        return try (isDeviceLacking ? [.device(path)] : []) + apply(metadata, to: path, kind)
    }

    private func link(_ path: ImagePath, to old: ImagePath) throws -> [Omission] {
        if try target.exists(FilePath(old)) {
            try target.makeHardLink(FilePath(path), to: FilePath(old))
            return []
        }
        // The other end is in a lower layer: overlayfs cannot link across, so the file is copied.
        guard let inode = tree.inode(at: path) else { return [] }
        return try make(inode.kind, at: path, inode.metadata) { write in
            for directory in lower {
                let below = try Directory(directory)
                guard try below.exists(FilePath(old)) else { continue }
                let source = FileSource(try below.open(FilePath(old), [.read, .noFollow]))
                while true {
                    let chunk = try source.next()
                    if chunk.isEmpty { return }
                    try write(chunk[...])
                }
            }
            throw OCIError.unsafeEntry(
                "\(path)", layer: image.layers[index].descriptor.digest.short,
                reason: "links to '\(old)', which is missing")
        }
    }

    private func apply(_ metadata: FileMetadata, to path: ImagePath, _ kind: FileKind) throws -> [Omission] {
        // The root has a name only in its parent directory.
        let holder = path.isRoot ? try Directory(target.path.removingLastComponent()) : target
        let place = path.isRoot ? FilePath(target.path.lastComponent?.string ?? ".") : FilePath(path)
        let owner = unmappedOwners.owner(of: metadata)
        try holder.setOwner(of: place, uid: owner.uid, gid: owner.gid)
        if !kind.isSymlink { try holder.setMode(of: place, UInt32(metadata.mode)) }
        var omissions: [Omission] = []
        for (name, value) in metadata.xattrs.sorted(by: { $0.key < $1.key }) where !Directory.isHostAttribute(name) {
            if UnmappedOwners.isImpossible(name, value) {
                omissions.append(.attribute(name, of: path))
                continue
            }
            do throws(SystemError) {
                try holder.setAttribute(name, of: place, to: unmappedOwners.ids.stored(value, of: name))
            } catch {
                guard unmappedOwners.allows(error, for: name, value, of: kind) else { throw error }
                if unmappedOwners.ids.isInitial { omissions.append(.attribute(name, of: path)) }
            }
        }
        try holder.setModified(of: place, metadata.mtime)
        return omissions
    }
}

extension FilePath {
    /// Makes a relative path from a path inside an image.
    public init(_ path: ImagePath) { self.init(bytes: path.bytes) }
}

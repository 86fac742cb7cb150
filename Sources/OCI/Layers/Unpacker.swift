public import Linux
public import SystemPackage

/// Puts one layer on disk in the form that overlayfs takes as a lower directory.
///
/// A whiteout becomes a character device 0:0, an emptied directory carries `trusted.overlay.opaque`. Everything is
/// opened below the target directory and never through a link that leaves it. Directories that the layer doesn't
/// mention take the attributes that the tree gives them, because overlayfs shows the topmost directory's.
public struct Unpacker {
    private let image: Image
    private let index: Int
    private let tree: FileTree
    private let target: Directory
    private let lower: [FilePath]

    /// Unpacks the image's layer `index` into the empty directory `target`.
    ///
    /// `tree` is the tree of layers 0 to `index`; `lower` are the directories of the layers below, topmost first, where
    /// a hard link may have its other end.
    public init(_ image: Image, layer index: Int, tree: FileTree, into target: Directory, lower: [FilePath]) {
        self.image = image
        self.index = index
        self.tree = tree
        self.target = target
        self.lower = lower
    }

    /// Unpacks everything. Needs the rights to make devices and give files away.
    public func unpack() throws {
        let reader = try image.open(image.layers[index])
        var removed: Set<ImagePath> = []
        var directories: [(path: ImagePath, metadata: FileMetadata)] = []
        while let entry = try reader.next() {
            let path = placement(of: entry.path)
            try makeParents(of: path, &directories)
            switch entry.change {
            case .remove:
                removed.insert(path)
                if try !target.exists(FilePath(path)) { try makeWhiteout(path) }
            case .clear: try makeOpaque(path, &directories)
            case .add(.directory):
                try makeDirectory(path, isOpaque: removed.contains(path))
                directories.append((path, entry.metadata))
            case .add(let kind):
                try makeRoom(at: path)
                try make(kind, at: path, entry.metadata, reader)
            case .link(let old):
                try makeRoom(at: path)
                try link(path, to: placement(of: old))
            }
        }
        // Last, because every file made in a directory changes its time.
        for (path, metadata) in directories.reversed() { try apply(metadata, to: path) }
    }

    /// Where an entry goes once the links among its parents are followed.
    private func placement(of path: ImagePath) -> ImagePath {
        guard !path.isRoot, let parent = tree.resolve(path.parent) else { return path }
        return parent.links.isEmpty ? path : tree.path(of: parent.node).appending(path.name)
    }

    private func makeParents(of path: ImagePath, _ directories: inout [(path: ImagePath, metadata: FileMetadata)])
        throws
    {
        guard !path.isRoot, !path.parent.isRoot, try !target.exists(FilePath(path.parent)) else { return }
        try makeParents(of: path.parent, &directories)
        try makeDirectory(path.parent, isOpaque: false)
        directories.append((path.parent, tree.inode(at: path.parent)?.metadata ?? FileMetadata(mode: 0o755)))
    }

    private func makeDirectory(_ path: ImagePath, isOpaque: Bool) throws {
        guard !path.isRoot else { return }
        let place = FilePath(path)
        if try target.exists(place) {
            if try target.status(of: place).type == .directory { return }
            try target.remove(place)
        }
        try target.makeDirectory(place, mode: 0o700)
        if isOpaque { try target.setAttribute("trusted.overlay.opaque", of: place, to: Array("y".utf8)) }
    }

    private func makeOpaque(_ path: ImagePath, _ directories: inout [(path: ImagePath, metadata: FileMetadata)]) throws
    {
        guard !path.isRoot else { return }
        if try !target.exists(FilePath(path)) {
            try makeDirectory(path, isOpaque: false)
            directories.append((path, tree.inode(at: path)?.metadata ?? FileMetadata(mode: 0o755)))
        }
        try target.setAttribute("trusted.overlay.opaque", of: FilePath(path), to: Array("y".utf8))
    }

    private func makeWhiteout(_ path: ImagePath) throws {
        try target.makeNode(FilePath(path), type: .characterDevice, mode: 0, major: 0, minor: 0)
    }

    private func makeRoom(at path: ImagePath) throws {
        if try target.exists(FilePath(path)) { try target.removeTree(FilePath(path)) }
    }

    private func make(_ kind: FileKind, at path: ImagePath, _ metadata: FileMetadata, _ reader: TarReader) throws {
        let place = FilePath(path)
        switch kind {
        case .directory: preconditionFailure("directories are made apart")
        case .file:
            let file = try target.open(place, [.write, .create, .exclusive], mode: 0o600)
            try reader.readContent { try unsafe file.write($0.span.bytes) }
            try file.close()
        case .symlink(let link): try target.makeLink(place, to: FilePath(bytes: link))
        case .characterDevice(let major, let minor):
            try target.makeNode(place, type: .characterDevice, mode: 0o600, major: major, minor: minor)
        case .blockDevice(let major, let minor):
            try target.makeNode(place, type: .blockDevice, mode: 0o600, major: major, minor: minor)
        case .fifo: try target.makeNode(place, type: .fifo, mode: 0o600)
        }
        try apply(metadata, to: path, isLink: kind.isSymlink)
    }

    private func link(_ path: ImagePath, to old: ImagePath) throws {
        if try target.exists(FilePath(old)) { return try target.makeHardLink(FilePath(path), to: FilePath(old)) }
        // The other end is in a lower layer: overlayfs cannot link across, so the file is copied.
        guard let inode = tree.inode(at: path), case .file = inode.kind else { return }
        for directory in lower {
            let below = try Directory(directory)
            guard try below.exists(FilePath(old)) else { continue }
            let source = FileSource(try below.open(FilePath(old)))
            let file = try target.open(FilePath(path), [.write, .create, .exclusive], mode: 0o600)
            while true {
                let chunk = try source.next()
                if chunk.isEmpty { break }
                try file.write(chunk)
            }
            try file.close()
            return try apply(inode.metadata, to: path)
        }
    }

    private func apply(_ metadata: FileMetadata, to path: ImagePath, isLink: Bool = false) throws {
        // The root has a name only in the directory above it.
        let holder = path.isRoot ? try Directory(target.path.removingLastComponent()) : target
        let place = path.isRoot ? FilePath(target.path.lastComponent?.string ?? ".") : FilePath(path)
        try holder.setOwner(of: place, uid: metadata.uid, gid: metadata.gid)
        if !isLink { try holder.setMode(of: place, UInt32(metadata.mode)) }
        for (name, value) in metadata.xattrs.sorted(by: { $0.key < $1.key }) {
            try holder.setAttribute(name, of: place, to: value)
        }
        try holder.setModified(of: place, metadata.mtime)
    }
}

extension FilePath {
    /// A path inside an image, relative to wherever that image's root is.
    public init(_ path: ImagePath) { self.init(bytes: path.bytes) }
}

public import Linux
internal import SystemPackage

/// A writer of an image's files into one directory, the root file system of commands that have no overlay.
///
/// ```
/// nothing             ──► all of the image
/// a root of its first layers ──► the changes of the layers above
/// ```
/// Everything is opened below the directory and never through a link that leaves it. ``UnmappedOwners`` describes the
/// files that replace those which this process cannot make.
public struct RootWriter {
    private let image: Image
    private let tree: FileTree
    private let base: FileTree
    private let target: Directory
    private let unmappedOwners: UnmappedOwners

    /// Prepares to change `target` from the files of `base` to those of `image`, whose tree is `tree`.
    ///
    /// The first layers of the image made `base`; an empty directory has an empty tree.
    public init(_ image: Image, _ tree: FileTree, over base: FileTree, into target: Directory, ids: IDMap) {
        (self.image, self.tree, self.base, self.target) = (image, tree, base, target)
        unmappedOwners = UnmappedOwners(ids: ids, holdsEverything: false)
    }

    /// Writes everything; after an error the directory is unusable.
    public func write() throws {
        let delta = TreeDelta(from: base, to: tree)
        var touched: Set<ImagePath> = [.root]
        try delta.write(from: image) { entry in
            touched.insert(entry.path.parent)
            switch entry.change {
            case .add(.directory):
                try makeDirectory(entry.path)
                touched.insert(entry.path)
            case .add(let kind): try make(kind, entry)
            case .link(let first):
                try target.removeTree(FilePath(entry.path))
                try target.makeHardLink(FilePath(entry.path), to: FilePath(first))
            case .remove: try target.removeTree(FilePath(entry.path))
            case .clear: preconditionFailure("a delta removes path by path")
            }
        } file: { entry, reader in
            touched.insert(entry.path.parent)
            try makeFile(entry) { try reader.readContent($0) }
        }
        // Last and from below: every file made in a directory changes its time.
        for path in touched.sorted().reversed() {
            guard let inode = tree.inode(at: path), inode.kind.isDirectory else { continue }
            try apply(inode.metadata, to: path, .directory)
        }
    }

    private func makeDirectory(_ path: ImagePath) throws {
        guard !path.isRoot else { return }
        let place = FilePath(path)
        if try target.exists(place) {
            if try target.status(of: place).type == .directory { return }
            try target.remove(place)
        }
        try target.makeDirectory(place, mode: 0o700)
    }

    private func make(_ kind: FileKind, _ entry: LayerEntry) throws {
        let place = FilePath(entry.path)
        guard unmappedOwners.holds(kind) else { return try makeFile(entry) { _ in } }
        try target.removeTree(place)
        switch kind {
        case .directory, .file, .characterDevice, .blockDevice: preconditionFailure("made elsewhere, or not held")
        case .symlink(let link): try target.makeLink(place, to: FilePath(bytes: link))
        case .fifo: try target.makeNode(place, type: .fifo, mode: 0o600)
        }
        try apply(entry.metadata, to: entry.path, kind)
    }

    /// Makes a new file even if the path has one: the old one may have other names, which must keep it.
    private func makeFile(_ entry: LayerEntry, _ content: ((ArraySlice<UInt8>) throws -> Void) throws -> Void) throws {
        let place = FilePath(entry.path)
        try target.removeTree(place)
        let file = try target.open(place, [.write, .create, .exclusive], mode: 0o600)
        try content { try unsafe file.write($0.span.bytes) }
        try file.close()
        try apply(entry.metadata, to: entry.path, .file(size: 0))
    }

    private func apply(_ metadata: FileMetadata, to path: ImagePath, _ kind: FileKind) throws {
        let place = path.isRoot ? FilePath(".") : FilePath(path)
        let owner = unmappedOwners.owner(of: metadata)
        try target.setOwner(of: place, uid: owner.uid, gid: owner.gid)
        if !kind.isSymlink { try target.setMode(of: place, UInt32(metadata.mode)) }
        for (name, value) in metadata.xattrs.sorted(by: { $0.key < $1.key }) where !Directory.isHostAttribute(name) {
            if UnmappedOwners.isImpossible(name, value) { continue }
            do throws(SystemError) {
                try target.setAttribute(name, of: place, to: value)
            } catch {
                guard unmappedOwners.allows(error, for: name, value, of: kind) else { throw error }
            }
        }
        try target.setModified(of: place, metadata.mtime)
    }
}

internal import Glibc
internal import Linux
public import SystemPackage

/// An export of an image's files into a directory of this machine.
///
/// Nothing outside the directory is changed: links in it are never followed. A file appears whole or not at all. With
/// root privileges files keep their owners. Otherwise they belong to the user, and devices, which only root may make,
/// are left out.
public struct DirectoryExport {
    /// The handling of files in the directory that the image doesn't have.
    public enum ForeignFiles: String, Sendable, CaseIterable {
        /// They remain.
        case copy
        /// They are deleted.
        case delete
    }

    private let image: Image
    private let tree: FileTree
    private let target: Directory
    private let epoch: Int64?
    private let isRoot: Bool

    /// Prepares to write the files of `image`, whose tree is `tree`, to `path`; creates a missing directory.
    ///
    /// No time is later than `epoch`.
    public init(_ image: Image, _ tree: FileTree, to path: FilePath, epoch: Int64?) throws {
        _ = try Directory.make(path, mode: 0o755)
        target = try Directory(path, resolution: .withoutLinks)
        (self.image, self.tree, self.epoch) = (image, tree, epoch)
        // Root of a user namespace is a user: the files must not get its subordinate user IDs.
        isRoot = try geteuid() == 0 && IDMap.current().isInitial
    }

    /// Returns the directory of one platform in a directory for several.
    public static func path(for platform: Platform, in directory: FilePath) throws -> FilePath {
        directory.appending(FilePath(try TreeExport.directory(for: platform)).components)
    }

    /// Throws if two images that share a directory have the same file.
    public static func expectDisjoint(_ trees: [FileTree]) throws {
        var taken = TakenPaths()
        for tree in trees { try taken.add(tree, below: .root) }
    }

    /// Writes all files; returns the paths that had to be left out.
    ///
    /// - Parameter documents: The documents about the files; nil for none.
    public func write(_ mode: ForeignFiles, documents: ExportedFiles.Documents? = nil) throws -> [ImagePath] {
        if mode == .delete { try removeOthers() }
        let delta = TreeDelta(to: tree)
        var left: Set<ImagePath> = []
        var files = ExportedFiles()
        try delta.write(from: image) { entry in
            switch entry.change {
            case .add(.directory): try makeDirectory(entry.path)
            case .add(let kind): if try !make(kind, entry) { left.insert(entry.path) }
            case .link(let first):
                if left.contains(first) {
                    left.insert(entry.path)
                } else {
                    try link(entry.path, to: first)
                    files.add(entry)
                }
            case .remove, .clear: preconditionFailure("nothing is removed from an empty tree")
            }
        } file: { entry, reader in
            try writeFile(entry) { write in
                guard documents != nil else { return try reader.readContent(write) }
                try files.add(entry, reader, write: write)
            }
        }
        for document in try documents?(files) ?? [] { try add(document) }
        // Last and from below, because every file made in a directory changes its time.
        for entry in delta.heads.reversed() where !entry.path.isRoot {
            try apply(entry.metadata, to: FilePath(entry.path))
        }
        return left.sorted()
    }
}

extension DirectoryExport {
    /// Removes all files that the image doesn't have, at any depth.
    private func removeOthers() throws {
        var stack: [(path: ImagePath, node: FileTree.NodeID)] = [(.root, FileTree.rootNode)]
        while let (path, node) = stack.popLast() {
            let open = path.isRoot ? target : try target.directory(FilePath(path))
            for name in try open.entries().map(\.name) {
                let place = FilePath(bytes: name)
                guard let child = tree[node: node].children[name] else {
                    try open.removeTree(place)
                    continue
                }
                let isDirectory = try open.status(of: place).type == .directory
                if isDirectory, tree.inode(of: child).kind.isDirectory { stack.append((path.appending(name), child)) }
            }
        }
    }

    private func makeDirectory(_ path: ImagePath) throws {
        guard !path.isRoot else { return }
        let place = FilePath(path)
        if try target.exists(place) {
            if try target.status(of: place).type == .directory {
                // An earlier image may have closed the directory.
                if !isRoot { try target.setMode(of: place, 0o700) }
                return
            }
            try target.remove(place)
        }
        try target.makeDirectory(place, mode: 0o755)
    }

    /// Makes a link, a device or a pipe; false if the user may not.
    private func make(_ kind: FileKind, _ entry: LayerEntry) throws -> Bool {
        let place = FilePath(entry.path)
        if !isRoot, !kind.isSymlink, kind != .fifo { return false }
        if !kind.hasPossibleNumber { return false }
        try target.removeTree(place)
        switch kind {
        case .directory, .file: preconditionFailure("directories and files are made elsewhere")
        case .symlink(let link): try target.makeLink(place, to: FilePath(bytes: link))
        case .characterDevice(let major, let minor):
            try target.makeNode(place, type: .characterDevice, mode: 0o600, major: major, minor: minor)
        case .blockDevice(let major, let minor):
            try target.makeNode(place, type: .blockDevice, mode: 0o600, major: major, minor: minor)
        case .fifo: try target.makeNode(place, type: .fifo, mode: 0o600)
        }
        try apply(entry.metadata, to: place, isLink: kind.isSymlink)
        return true
    }

    private func link(_ path: ImagePath, to first: ImagePath) throws {
        try target.removeTree(FilePath(path))
        try target.makeHardLink(FilePath(path), to: FilePath(first))
    }

    private func add(_ document: ExportedFiles.Document) throws {
        let path = try ImagePath(document.name)
        let metadata = FileMetadata(mode: 0o600, uid: geteuid(), gid: getegid())
        let entry = LayerEntry(path, .add(.file(size: Int64(document.bytes.count))), metadata)
        try writeFile(entry) { write in try write(document.bytes[...]) }
    }

    /// Writes a temporary file in the same directory and renames it, so that a reader sees the old file or the new one.
    private func writeFile(
        _ entry: LayerEntry, content: ((ArraySlice<UInt8>) throws -> Void) throws -> Void
    ) throws {
        let place = FilePath(entry.path)
        let name = ".thaw.\(UInt64.random(in: 0 ... .max))"
        let temporary = FilePath(entry.path.parent.appending(Array(name.utf8)))
        let file = try target.open(temporary, [.write, .create, .exclusive], mode: 0o600)
        do {
            try content { try unsafe file.write($0.span.bytes) }
            try file.close()
            try apply(entry.metadata, to: temporary)
            if try target.exists(place), try target.status(of: place).type == .directory {
                try target.removeTree(place)
            }
            try target.rename(temporary, to: place)
        } catch {
            // The first error is the one to report.
            try? target.remove(temporary)
            throw error
        }
    }

    private func apply(_ metadata: FileMetadata, to place: FilePath, isLink: Bool = false) throws {
        if isRoot { try target.setOwner(of: place, uid: metadata.uid, gid: metadata.gid) }
        if !isLink { try target.setMode(of: place, UInt32(metadata.mode)) }
        for (name, value) in metadata.xattrs.sorted(by: { $0.key < $1.key }) where !Directory.isHostAttribute(name) {
            try setAttribute(name, value, of: place)
        }
        try target.setModified(of: place, metadata.clamped(to: epoch).mtime)
    }

    /// Sets an attribute, and ignores those that this file system or this user can't have.
    private func setAttribute(_ name: String, _ value: [UInt8], of place: FilePath) throws(SystemError) {
        if UnmappedOwners.isImpossible(name, value) { return }
        do throws(SystemError) {
            try target.setAttribute(name, of: place, to: value)
        } catch {
            guard [.notSupported, .notPermitted, .permissionDenied].contains(error.errno) else { throw error }
        }
    }
}

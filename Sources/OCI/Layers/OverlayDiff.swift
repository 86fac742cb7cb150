public import Linux
public import SystemPackage

/// A layer with the changes of a command, read from the upper directory of its overlay.
///
/// The upper directory contains exactly the changes, so only copied-up files are compared: the cost depends on the
/// change, not on the image. A character device 0:0 is a whiteout. An opaque directory becomes explicit whiteouts,
/// which the image specification requires of writers. Three things are left out: sockets, whiteouts of nothing, and
/// copied-up files that equal the lower ones. The directories above a change are included. A reader that unpacks the
/// layer into its own directory would otherwise make them 0755 root, and their attributes would hide those below.
/// Properties that a user namespace cannot store come from the lower tree; see ``UnmappedOwners``.
///
/// Times are clamped to `epoch`. A Python bytecode file contains its source's time. If that is clamped, the file is
/// rewritten too: the interpreter would otherwise compile again at every start.
public struct OverlayDiff {
    private let upper: Directory
    private let lower: FileTree
    private let lowerDigest: (ImagePath) throws -> Digest?
    private let epoch: Int64
    private let unmappedOwners: UnmappedOwners
    /// The changes in a root file system without an overlay; nil for an upper directory, which has only changes.
    private let changes: RootChanges?

    /// Prepares the difference between the tree `lower` and `upper`.
    ///
    /// `ids` is the ID map with which `upper` was written; `lowerFile` opens a file of the lower tree.
    public init(
        upper: Directory, lower: FileTree, epoch: Int64, ids: IDMap,
        lowerFile: @escaping (ImagePath) throws -> (any ByteSource)?
    ) {
        self.upper = upper
        self.lower = lower
        self.epoch = epoch
        unmappedOwners = UnmappedOwners(ids: ids)
        lowerDigest = { try lowerFile($0).map { try Digest(of: $0) } }
        changes = nil
    }

    /// Prepares the difference between `image`, whose tree is `lower`, and the root file system `root` made from it.
    ///
    /// A command changed `changes`. Contents of the image are read only if nothing else shows the difference.
    public init(
        root: Directory, lower: FileTree, of image: Image, _ changes: RootChanges, epoch: Int64, ids: IDMap
    ) throws {
        let owners = UnmappedOwners(ids: ids, holdsEverything: false)
        let plain = OverlayDiff(root, over: lower, unmappedOwners: owners, changes: changes, epoch: epoch) { _ in nil }
        let digests = try plain.lowerDigests(of: image)
        self.init(root, over: lower, unmappedOwners: owners, changes: changes, epoch: epoch) { digests[$0] }
    }

    private init(
        _ root: Directory, over lower: FileTree, unmappedOwners: UnmappedOwners, changes: RootChanges, epoch: Int64,
        lowerDigest: @escaping (ImagePath) throws -> Digest?
    ) {
        (upper, self.lower, self.unmappedOwners, self.changes, self.epoch) = (
            root, lower, unmappedOwners, changes, epoch
        )
        self.lowerDigest = lowerDigest
    }

    /// Returns the digests of the image's files whose metadata is the same as at their paths now.
    private func lowerDigests(of image: Image) throws -> [ImagePath: Digest] {
        var paths: [FileTree.InodeID: [ImagePath]] = [:]
        for (path, status) in changes?.paths ?? [] {
            guard let status, let (kind, metadata) = try actualEntry(of: path, status), kind.isFile,
                isLikeLower(path, kind, metadata: metadata, status: status), let node = lower.node(at: path)
            else { continue }
            paths[lower[node: node].inode, default: []].append(path)
        }
        var digests: [ImagePath: Digest] = [:]
        try image.readContents(of: paths.keys, in: lower) { inode, reader in
            var hasher = Digest.Hasher()
            try reader.readContent { hasher.update(Array($0)) }
            let digest = hasher.finalize()
            for path in paths[inode] ?? [] { digests[path] = digest }
        }
        return digests
    }

    /// Writes the layer's entries, in path order, and makes the upper directory equal to them.
    ///
    /// Afterwards the directory can be used as the unpacked layer: the next command sees the same with either of them.
    /// With `settles` false the directory remains unchanged.
    public func write(to layer: LayerWriter, normalizes: Bool = true) throws {
        var links: [Inode: ImagePath] = [:]
        // Overlayfs marks only the top of a new directory; the directories below it hide the lower ones too.
        var opaque: Set<ImagePath> = []
        // The unchanged directories above the current path.
        var above: [LayerEntry] = []
        func add(_ entry: LayerEntry) throws {
            for parent in above { try layer.add(parent) }
            above = []
            try layer.add(entry)
        }
        let changed = try changes?.paths ?? changedPaths()
        try addRoot(to: layer)
        for (path, status) in changed {
            while let last = above.last, !path.isWithin(last.path) { above.removeLast() }
            guard let status, !status.isWhiteout else {
                if lower.node(at: path) != nil { try add(LayerEntry(path, .remove)) }
                continue
            }
            guard let (kind, metadata) = try actualEntry(of: path, status) else { continue }
            let isOpaque = try kind.isDirectory && (opaque.contains(path.parent) || isOpaque(path))
            if isOpaque { opaque.insert(path) }
            if try !isOpaque && isUnchanged(path, kind, metadata: metadata, status: status) {
                if kind.isDirectory { above.append(LayerEntry(path, .add(kind), metadata)) }
                continue
            }
            let inode = Inode(device: status.device, number: status.inode)
            if status.linkCount > 1, !kind.isDirectory {
                if let first = links[inode] {
                    try add(LayerEntry(path, .link(to: first), metadata))
                    continue
                }
                links[inode] = path
            }
            try add(LayerEntry(path, .add(kind), metadata))
            if kind.isFile { try copy(path, to: layer) }
            if isOpaque { try addWhiteouts(below: path, to: layer) }
        }
        if normalizes { try normalize(changed) }
    }

    /// Adds the root directory if its mode or owner changed; its time changes with every file made in it.
    private func addRoot(to layer: LayerWriter) throws {
        let status = try upper.descriptor.status()
        let old = lower.inode(of: FileTree.rootNode)
        let ids = unmappedOwners.ids
        let found = FileMetadata(
            mode: UInt16(status.mode & 0o7777), uid: ids.restored(status.uid), gid: ids.restored(status.gid),
            mtime: FileTime(seconds: min(status.modified.seconds, epoch)))
        var new = unmappedOwners.actualEntry(of: .directory, found, over: old, epoch: epoch).metadata
        new.xattrs = [:]
        guard new.mode != old.metadata.mode || new.uid != old.metadata.uid || new.gid != old.metadata.gid else {
            return
        }
        try layer.add(LayerEntry(.root, .add(.directory), new))
    }

    /// Removes files that no layer can have and clamps times.
    ///
    /// Children come first, because they change their directory's time.
    private func normalize(_ changed: [(path: ImagePath, status: FileStatus?)]) throws {
        for case (let path, let status?) in changed.reversed() where !status.isWhiteout {
            if status.type == .socket {
                try upper.remove(FilePath(path))
            } else {
                try upper.setModified(of: FilePath(path), FileTime(seconds: min(status.modified.seconds, epoch)))
            }
        }
    }

    private struct Inode: Hashable {
        let device: UInt64
        let number: UInt64
    }

    /// Returns every path in the upper directory, each directory before its children.
    private func changedPaths() throws -> [(path: ImagePath, status: FileStatus?)] {
        var paths: [(path: ImagePath, status: FileStatus?)] = []
        var stack: [ImagePath] = try upper.entries().reversed().map { ImagePath.root.appending($0.name) }
        while let path = stack.popLast() {
            let status = try upper.status(of: FilePath(path))
            paths.append((path, status))
            guard status.type == .directory else { continue }
            stack += try upper.directory(FilePath(path)).entries().reversed().map { path.appending($0.name) }
        }
        return paths
    }

    private func kind(of path: ImagePath, _ status: FileStatus) throws -> FileKind? {
        switch status.type {
        case .directory: .directory
        case .regular: .file(size: status.size)
        case .symbolicLink: .symlink(target: try upper.target(ofLink: FilePath(path)))
        case .characterDevice: .characterDevice(major: status.major, minor: status.minor)
        case .blockDevice: .blockDevice(major: status.major, minor: status.minor)
        case .fifo: .fifo
        case .socket: nil
        }
    }

    private func metadata(of path: ImagePath, _ status: FileStatus) throws -> FileMetadata {
        let ids = unmappedOwners.ids
        var attributes = try upper.layerAttributes(of: FilePath(path))
        for (name, value) in attributes { attributes[name] = ids.restored(value, of: name) }
        return FileMetadata(
            mode: UInt16(status.mode & 0o7777), uid: ids.restored(status.uid), gid: ids.restored(status.gid),
            mtime: FileTime(seconds: min(status.modified.seconds, epoch)), xattrs: attributes)
    }

    /// Returns the kind and metadata of a path in the layer; nil for a socket.
    private func actualEntry(of path: ImagePath, _ status: FileStatus) throws -> (
        kind: FileKind, metadata: FileMetadata
    )? {
        guard let found = try kind(of: path, status) else { return nil }
        return unmappedOwners.actualEntry(
            of: found, try metadata(of: path, status), over: lower.inode(at: path), epoch: epoch)
    }

    /// True if a copied-up file equals the lower one.
    private func isUnchanged(
        _ path: ImagePath, _ kind: FileKind, metadata: FileMetadata, status: FileStatus
    ) throws -> Bool {
        guard isLikeLower(path, kind, metadata: metadata, status: status) else { return false }
        guard kind.isFile else { return true }
        guard let before = try lowerDigest(path) else { return false }
        return try before == Digest(of: FileSource(upper.open(FilePath(path), [.read, .noFollow])))
    }

    /// True if only the content can differ from the lower file's.
    private func isLikeLower(
        _ path: ImagePath, _ kind: FileKind, metadata: FileMetadata, status: FileStatus
    ) -> Bool {
        let hasOldNames = status.linkCount == 1 || changes?.oldLinks.contains(path) == true
        guard let old = lower.inode(at: path), old.kind == kind, hasOldNames || kind.isDirectory else { return false }
        var same = old.metadata
        same.mtime = metadata.mtime
        guard same == metadata else { return false }
        // A directory that merely contains a change need not be in the layer, but its time may have changed.
        return old.metadata.mtime.seconds == metadata.mtime.seconds
    }

    private func isOpaque(_ path: ImagePath) throws -> Bool {
        if let changes { return changes.remade.contains(path) }
        let value = try upper.attribute(unmappedOwners.opaqueMark, of: FilePath(path))
        return value == Array("y".utf8)
    }

    private func addWhiteouts(below path: ImagePath, to layer: LayerWriter) throws {
        guard let node = lower.node(at: path) else { return }
        for name in lower[node: node].children.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            let child = path.appending(name)
            if try !upper.exists(FilePath(child)) { try layer.add(LayerEntry(child, .remove)) }
        }
    }

    private func copy(_ path: ImagePath, to layer: LayerWriter) throws {
        let source = FileSource(try upper.open(FilePath(path), [.read, .noFollow]))
        var isFirst = true
        while layer.missing > 0 {
            var chunk = try source.next()
            guard !chunk.isEmpty else { throw SystemError("read", FilePath(path), .ioError) }
            if isFirst, path.bytes.suffix(4).elementsEqual(".pyc".utf8), try clampSourceTime(of: path, &chunk) {
                let file = try upper.open(FilePath(path), [.write, .noFollow])
                try unsafe file.write(chunk[8..<12].span.bytes, at: 8)
            }
            isFirst = false
            try layer.write(chunk.prefix(Int(min(Int64(chunk.count), layer.missing))))
        }
    }

    /// Rewrites the source's time in the header of a bytecode file; true if that changed it.
    ///
    /// The header has magic, flags 0, mtime and size (PEP 552).
    private func clampSourceTime(of path: ImagePath, _ bytes: inout [UInt8]) throws -> Bool {
        guard bytes.count >= 16, bytes[4..<8].allSatisfy({ $0 == 0 }), let source = Self.source(of: path),
            try upper.exists(FilePath(source))
        else { return false }
        let modified = try upper.status(of: FilePath(source)).modified.seconds
        let recorded = bytes[8..<12].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard modified > epoch, recorded == UInt32(truncatingIfNeeded: modified) else { return false }
        let clamped = UInt32(truncatingIfNeeded: epoch)
        for index in 0..<4 { bytes[8 + index] = UInt8(truncatingIfNeeded: clamped >> (8 * UInt32(index))) }
        return true
    }

    /// Returns the source of a bytecode file: `dir/name.py` for `dir/__pycache__/name.cpython-311.pyc`.
    private static func source(of path: ImagePath) -> ImagePath? {
        guard path.parent.name.elementsEqual("__pycache__".utf8), let dot = path.name.firstIndex(of: UInt8(ascii: "."))
        else { return nil }
        return path.parent.parent.appending(Array(path.name[..<dot]) + Array(".py".utf8))
    }
}

extension Directory {
    /// Returns the extended attributes for a layer: all but overlayfs's own and the host's security labels.
    public func layerAttributes(of path: FilePath) throws -> [String: [UInt8]] {
        var attributes: [String: [UInt8]] = [:]
        for name in try attributeNames(of: path) where !Self.isHostAttribute(name) {
            attributes[name] = try attribute(name, of: path)
        }
        return attributes
    }

    /// True for overlayfs's own marks, which a layer must not set, and for labels that apply only to their host.
    static func isHostAttribute(_ name: String) -> Bool {
        name.hasPrefix("trusted.overlay.") || name.hasPrefix("user.overlay.") || name == "security.selinux"
            || name.hasPrefix("system.nfs")
    }
}

extension Digest {
    /// Computes the digest of a source's bytes.
    public init(of source: any ByteSource) throws {
        var hasher = Hasher()
        while true {
            let chunk = try source.next()
            if chunk.isEmpty { break }
            hasher.update(chunk)
        }
        self = hasher.finalize()
    }
}

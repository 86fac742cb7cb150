internal import Linux
internal import OCI
internal import SystemPackage

/// Stores a tar that was sent as a context as a layer, the one form that all other code reads.
struct ContextArchive: Sendable {
    let store: Store
    /// The archive's name in messages.
    let name: String

    /// The content of the file that was sent.
    enum SentContent: Sendable {
        case files(CachedStep)
        case dockerfile([UInt8])
    }

    /// Reads the file `path` of the work area: a tar becomes a layer, a text is a Dockerfile.
    func read(_ path: FilePath, in area: Directory) throws -> SentContent {
        guard ForeignArchive.isArchive(try area.open(path)) else {
            let bytes = try area.contents(of: path, limit: 64 << 20)
            if bytes.starts(with: [0x1f, 0x8b]) {
                throw OCIError.unreadableArchive(name, reason: "its gzip data ends early, is damaged, or holds no tar")
            }
            if bytes.contains(0) {
                throw BuildError.badContext(name, reason: "is neither a tar that can be read nor a Dockerfile")
            }
            return .dockerfile(bytes)
        }
        return .files(try layer(ForeignArchive(area.open(path), name: name)))
    }

    /// Stores every entry with owner root, as for all files of a context.
    private func layer(_ reader: ForeignArchive) throws -> CachedStep {
        let writer = try LayerWriter(into: store, compression: .uncompressed)
        var newest: Int64 = 0
        while var entry = try reader.next() {
            guard !entry.path.isRoot else { continue }
            (entry.metadata.uid, entry.metadata.gid) = (0, 0)
            newest = max(newest, entry.metadata.mtime.seconds)
            try writer.add(entry)
            try reader.copyContent(of: entry, to: writer)
        }
        return CachedStep(layer: try writer.finish(), epoch: newest)
    }
}

extension ForeignArchive {
    /// Copies the bytes of a file's entry; entries of other types have none, even if the archive contains some.
    func copyContent(of entry: LayerEntry, to writer: LayerWriter) throws {
        guard case .add(.file) = entry.change else { return }
        try readContent { try writer.write($0.prefix(Int(min(Int64($0.count), writer.missing)))) }
        guard writer.missing == 0 else {
            throw OCIError.unreadableArchive("\(entry.path)", reason: "it is shorter than its header's size")
        }
    }
}

/// The files of an archive in the context, for ADD, which unpacks it; reading needs no temporary files.
///
/// The archive is read twice: its headers for the tree, then its contents in their order.
struct ArchiveSource: CopySource {
    let tree: FileTree
    private let name: String
    private let open: @Sendable () throws -> ForeignArchive

    /// Reads the archive's headers; `open` opens the archive again each time.
    init(name: String, opening open: @escaping @Sendable () throws -> ForeignArchive) throws {
        self.name = name
        self.open = open
        let reader = try open()
        var entries: [(entry: LayerEntry, content: Digest?)] = []
        // The archive's entry for its root directory must not change the destination.
        while let entry = try reader.next() {
            if !entry.path.isRoot { entries.append((entry, nil)) }
        }
        var tree = FileTree()
        try tree.apply(entries, layer: 0, name: name, staysInRoot: true)
        self.tree = tree
    }

    func digests(of inodes: [FileTree.InodeID]) throws -> [FileTree.InodeID: Digest] {
        var digests: [FileTree.InodeID: Digest] = [:]
        var current: FileTree.InodeID?
        var hasher = Digest.Hasher()
        func end() { if let current { digests[current] = hasher.finalize() } }
        try read(inodes) { inode in
            end()
            (current, hasher) = (inode, Digest.Hasher())
        } chunk: {
            hasher.update($0)
        }
        end()
        return digests
    }

    func read(
        _ inodes: [FileTree.InodeID], begin: (FileTree.InodeID) throws -> Void,
        chunk: (ArraySlice<UInt8>) throws -> Void
    ) throws {
        let wanted = Dictionary(inodes.map { (tree.inodes[$0].ordinal, $0) }) { first, _ in first }
        let reader = try open()
        var left = wanted.count
        var ordinal = 0
        while left > 0, let entry = try reader.next() {
            if entry.path.isRoot { continue }
            if let inode = wanted[ordinal] {
                try give(inode, entry: entry, from: reader, begin: begin, chunk: chunk)
                left -= 1
            }
            ordinal += 1
        }
        if left > 0 { throw BuildError.contextChanged(name) }
    }

    /// Passes on one file's content; throws if the file changed after its header was read.
    private func give(
        _ inode: FileTree.InodeID, entry: LayerEntry, from reader: ForeignArchive,
        begin: (FileTree.InodeID) throws -> Void, chunk: (ArraySlice<UInt8>) throws -> Void
    ) throws {
        guard case .add(tree.inodes[inode].kind) = entry.change else { throw BuildError.contextChanged(name) }
        try begin(inode)
        var left = tree.inodes[inode].kind.size
        try reader.readContent { bytes in
            let part = bytes.prefix(Int(min(Int64(bytes.count), max(0, left))))
            left -= Int64(part.count)
            try chunk(part)
        }
        guard left == 0 else {
            throw OCIError.unreadableArchive("\(entry.path)", reason: "it is shorter than its header's size")
        }
    }
}

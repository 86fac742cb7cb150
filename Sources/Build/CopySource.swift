internal import Linux
internal import OCI
internal import SystemPackage

/// Where COPY and ADD take files from: a tree, and the contents of its files.
protocol CopySource: Sendable {
    var tree: FileTree { get }

    /// The SHA-256 of files' contents.
    func digests(of inodes: [FileTree.InodeID]) throws -> [FileTree.InodeID: Digest]

    /// Gives each file's content to `body`, chunk by chunk, in an order that suits the source: first the file, then its
    /// chunks.
    func read(
        _ inodes: [FileTree.InodeID], begin: (FileTree.InodeID) throws -> Void,
        chunk: (ArraySlice<UInt8>) throws -> Void
    ) throws
}

/// The files of an image, read from its layers: no file system is touched.
struct ImageSource: CopySource {
    let image: Image
    let tree: FileTree

    func digests(of inodes: [FileTree.InodeID]) throws -> [FileTree.InodeID: Digest] {
        var digests: [FileTree.InodeID: Digest] = [:]
        try image.readContents(of: inodes, in: tree, verifying: true) { inode, reader in
            var hasher = Digest.Hasher()
            try reader.readContent { hasher.update($0) }
            digests[inode] = hasher.finalize()
        }
        return digests
    }

    func read(
        _ inodes: [FileTree.InodeID], begin: (FileTree.InodeID) throws -> Void,
        chunk: (ArraySlice<UInt8>) throws -> Void
    ) throws {
        try image.readContents(of: inodes, in: tree, verifying: true) { inode, reader in
            try begin(inode)
            try reader.readContent(chunk)
        }
    }
}

/// The files of the build context, as the ignore rules leave them. Opened below the context's directory only.
struct ContextSource: CopySource {
    let tree: FileTree
    private let directory: Directory
    private let hashes: ContextHashes
    private let statuses: [ImagePath: FileStatus]

    /// Walks the context; `isIgnored` judges a path relative to it, `mayPrune` whether nothing below a directory can be
    /// wanted.
    init(
        _ directory: Directory, hashes: ContextHashes, isIgnored: @escaping (ImagePath) -> Bool,
        mayPrune: @escaping (ImagePath) -> Bool
    ) throws {
        self.directory = directory
        self.hashes = hashes
        var walk = ContextWalk(directory, isIgnored: isIgnored, mayPrune: mayPrune)
        try walk.run()
        var tree = FileTree()
        try tree.apply(walk.entries.map { (entry: $0, content: nil) }, layer: 0, name: "context")
        self.tree = tree
        statuses = walk.statuses
    }

    func digests(of inodes: [FileTree.InodeID]) throws -> [FileTree.InodeID: Digest] {
        var digests: [FileTree.InodeID: Digest] = [:]
        for inode in inodes {
            let path = tree.inodes[inode].path
            guard let status = statuses[path] else { continue }
            digests[inode] = try hashes.digest(of: path, status) {
                let digest = try Digest(of: FileSource(open(path)))
                try expectUnchanged(path)
                return digest
            }
        }
        return digests
    }

    func read(
        _ inodes: [FileTree.InodeID], begin: (FileTree.InodeID) throws -> Void,
        chunk: (ArraySlice<UInt8>) throws -> Void
    ) throws {
        for inode in inodes {
            try begin(inode)
            let source = FileSource(try open(tree.inodes[inode].path))
            var left = tree.inodes[inode].kind.size
            while left > 0 {
                let bytes = try source.next()
                guard !bytes.isEmpty else { throw BuildError.contextChanged("\(tree.inodes[inode].path)") }
                let part = bytes.prefix(Int(min(Int64(bytes.count), left)))
                left -= Int64(part.count)
                try chunk(part)
            }
            try expectUnchanged(tree.inodes[inode].path)
        }
    }

    /// A file that is written to during the build must not be remembered under the digest that it had before.
    private func expectUnchanged(_ path: ImagePath) throws {
        let now = try directory.status(of: FilePath(path))
        guard let then = statuses[path], now.inode == then.inode, now.size == then.size, now.modified == then.modified,
            now.changed == then.changed
        else { throw BuildError.contextChanged("\(path)") }
    }

    /// Opens a file, which is no link.
    func open(_ path: ImagePath) throws -> OwnedDescriptor {
        try directory.open(FilePath(path), [.read, .noFollow])
    }
}

/// One walk over a context directory: names in byte order, nothing followed.
private struct ContextWalk {
    private let directory: Directory
    private let isIgnored: (ImagePath) -> Bool
    private let mayPrune: (ImagePath) -> Bool
    private var links: [LinkKey: ImagePath] = [:]
    private(set) var entries: [LayerEntry] = []
    private(set) var statuses: [ImagePath: FileStatus] = [:]

    private struct LinkKey: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    init(_ directory: Directory, isIgnored: @escaping (ImagePath) -> Bool, mayPrune: @escaping (ImagePath) -> Bool) {
        self.directory = directory
        self.isIgnored = isIgnored
        self.mayPrune = mayPrune
    }

    mutating func run() throws {
        var stack: [ImagePath] = [.root]
        while let path = stack.popLast() {
            // Each directory is opened once, and what is in it looked at from there.
            let open = path.isRoot ? directory : try directory.directory(FilePath(path))
            var below: [ImagePath] = []
            for name in try open.entries().map(\.name).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
                let child = path.appending(name)
                let isIgnored = isIgnored(child)
                let isDirectory = try visit(child, in: open, isIgnored: isIgnored)
                if isDirectory, !isIgnored || !mayPrune(child) { below.append(child) }
            }
            stack += below.reversed()
        }
    }

    /// Notes one path; true for a directory.
    private mutating func visit(_ path: ImagePath, in open: Directory, isIgnored: Bool) throws -> Bool {
        let name = FilePath(bytes: path.name)
        let status = try open.status(of: name)
        let isDirectory = status.type == .directory
        guard !isIgnored, let change = try change(path, status, name, in: open) else { return isDirectory }
        let metadata = FileMetadata(
            mode: UInt16(status.mode & 0o7777), mtime: status.modified, xattrs: try open.layerAttributes(of: name))
        entries.append(LayerEntry(path, change, metadata))
        statuses[path] = status
        return isDirectory
    }

    private mutating func change(
        _ path: ImagePath, _ status: FileStatus, _ name: FilePath, in open: Directory
    ) throws -> LayerEntry.Change? {
        if status.linkCount > 1, status.type != .directory {
            let key = LinkKey(device: status.device, inode: status.inode)
            if let first = links[key] { return .link(to: first) }
            links[key] = path
        }
        return switch status.type {
        case .directory: .add(.directory)
        case .regular: .add(.file(size: status.size))
        case .symbolicLink: .add(.symlink(target: try open.target(ofLink: name)))
        case .characterDevice: .add(.characterDevice(major: status.major, minor: status.minor))
        case .blockDevice: .add(.blockDevice(major: status.major, minor: status.minor))
        case .fifo: .add(.fifo)
        case .socket: nil
        }
    }
}

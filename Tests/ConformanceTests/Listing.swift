import Linux
import OCI
import SystemPackage

/// The entries of a tree, by path.
struct Listing: Sendable {
    private(set) var entries: [[UInt8]: Entry] = [:]

    /// Parses the lines of a fixture, as changes of a base.
    init(parsing lines: [String], over base: Listing? = nil) throws {
        entries = base?.entries ?? [:]
        for line in lines where !line.isEmpty {
            if line.hasPrefix("- ") {
                let path = try Escapes.path(line.dropFirst(2))
                guard entries.removeValue(forKey: path) != nil else {
                    throw FixtureError("nothing to remove: \(line)")
                }
            } else {
                add(try Entry(parsing: line))
            }
        }
    }

    /// Lists the tree of an image; contents are read only of files that have one in `wanted`.
    init(_ image: Image, _ tree: FileTree, wanted: Listing) throws {
        var contents: [FileTree.InodeID: [UInt8]] = [:]
        let files = tree.inodes.indices.filter { tree.inodes[$0].linkCount > 0 && tree.inodes[$0].kind.isFile }
        let named = files.filter { wanted.entries[tree.inodes[$0].path.bytes]?.kind != .file(nil) }
        try image.readContents(of: named, in: tree) { inode, reader in
            contents[inode] = []
            try reader.readContent { contents[inode]? += $0 }
        }
        var first: [FileTree.InodeID: ImagePath] = [:]
        tree.walk { path, node in
            guard !path.isRoot else { return }
            let (id, inode) = (tree[node: node].inode, tree.inode(of: node))
            if let first = first[id] { return add(Entry(path.bytes, .hardLink(first.bytes), mode: 0)) }
            if !inode.kind.isDirectory { first[id] = path }
            add(Entry(path, inode, content: contents[id] ?? []))
        }
    }

    /// Lists a directory of this machine.
    init(_ root: Directory) throws {
        var (paths, pending): ([ImagePath], [ImagePath]) = ([], [.root])
        while let path = pending.popLast() {
            let open = path.isRoot ? root : try root.directory(FilePath(path))
            for entry in try open.entries() {
                let child = path.appending(entry.name)
                paths.append(child)
                if try root.status(of: FilePath(child)).type == .directory { pending.append(child) }
            }
        }
        var first: [UInt64: ImagePath] = [:]
        for path in paths.sorted() {
            let status = try root.status(of: FilePath(path))
            if let first = first[status.inode] {
                add(Entry(path.bytes, .hardLink(first.bytes), mode: 0))
            } else {
                first[status.inode] = path
                add(try Entry(path, status, in: root))
            }
        }
    }

    private mutating func add(_ entry: Entry) { entries[entry.path] = entry }

    /// Returns the differences between this expected tree and the tree `found`.
    func differences(from found: Listing) -> [String] {
        Set(entries.keys).union(found.entries.keys).sorted { $0.lexicographicallyPrecedes($1) }.compactMap { path in
            switch (entries[path], found.entries[path]) {
            case (let wanted?, nil): return "missing: \(wanted)"
            case (nil, let found?): return "not expected: \(found)"
            case (let wanted?, let found?):
                let (left, right) = (wanted.text(like: wanted), found.text(like: wanted))
                return left == right ? nil : "expected: \(left), found: \(right)"
            case (nil, nil): return nil
            }
        }
    }
}

extension Entry {
    fileprivate init(_ path: ImagePath, _ inode: FileTree.Inode, content: [UInt8]) {
        let kind: Kind =
            switch inode.kind {
            case .directory: .directory
            case .file: .file(content)
            case .symlink(let target): .symlink(target)
            case .fifo: .fifo
            case .characterDevice(let major, let minor): .device("char", major, minor)
            case .blockDevice(let major, let minor): .device("block", major, minor)
            }
        self.init(path.bytes, kind, mode: inode.metadata.mode)
        (uid, gid, seconds) = (inode.metadata.uid, inode.metadata.gid, inode.metadata.mtime.seconds)
        xattrs = inode.metadata.xattrs
    }

    fileprivate init(_ path: ImagePath, _ status: FileStatus, in root: Directory) throws {
        let place = FilePath(path)
        let kind: Kind =
            switch status.type {
            case .directory: .directory
            case .regular: .file(try root.contents(of: place, limit: 16 << 20))
            case .symbolicLink: .symlink(try root.target(ofLink: place))
            case .fifo: .fifo
            case .socket: .socket
            case .characterDevice: .device("char", status.major, status.minor)
            case .blockDevice: .device("block", status.major, status.minor)
            }
        self.init(path.bytes, kind, mode: UInt16(status.mode))
        (uid, gid, seconds) = (status.uid, status.gid, status.modified.seconds)
        for name in try root.attributeNames(of: place) { xattrs[name] = try root.attribute(name, of: place) }
    }
}

extension Listing {
    /// Makes the files of the lines on disk, in order, and sets their times at the end.
    static func make(_ lines: [String], in root: Directory) throws {
        let entries = try lines.filter { !$0.isEmpty }.map(Entry.init(parsing:))
        var made: Set<[UInt8]> = [[]]
        for entry in entries {
            try makeDirectories(entry.kind == .directory ? entry.path : parent(of: entry.path), in: root, &made)
            try entry.make(in: root)
        }
        for entry in entries.reversed() {
            try root.setModified(of: FilePath(bytes: entry.path), FileTime(seconds: entry.seconds ?? 1_000_000_000))
        }
    }

    /// Makes missing parents; `made` avoids errors of existing directories, each of which costs a test a stack trace.
    private static func makeDirectories(_ path: [UInt8], in root: Directory, _ made: inout Set<[UInt8]>) throws {
        guard made.insert(path).inserted else { return }
        try makeDirectories(parent(of: path), in: root, &made)
        try root.makeDirectory(FilePath(bytes: path))
    }

    private static func parent(of path: [UInt8]) -> [UInt8] {
        path.lastIndex(of: UInt8(ascii: "/")).map { Array(path[..<$0]) } ?? []
    }
}

extension Entry {
    fileprivate func make(in root: Directory) throws {
        let place = FilePath(bytes: path)
        switch kind {
        case .directory: break
        case .file(let content):
            let bytes = try content ?? Directory("/").contents(of: place, limit: 16 << 20)
            try root.open(place, [.write, .create]).write(bytes)
        case .symlink(let target): try root.makeLink(place, to: FilePath(bytes: target))
        case .hardLink(let other): return try root.makeHardLink(place, to: FilePath(bytes: other))
        case .fifo: try root.makeNode(place, type: .fifo, mode: 0o600)
        case .socket: try root.makeNode(place, type: .socket, mode: 0o600)
        case .device(let kind, let major, let minor):
            let type: Linux.FileType = kind == "char" ? .characterDevice : .blockDevice
            try root.makeNode(place, type: type, mode: 0o600, major: major, minor: minor)
        }
        try root.setOwner(of: place, uid: uid, gid: gid)
        if case .symlink = kind { return }
        try root.setMode(of: place, UInt32(mode))
        for (name, value) in xattrs { try root.setAttribute(name, of: place, to: value) }
    }
}

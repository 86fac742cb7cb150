public import Linux
public import OCI

/// The contents of an image's files as slimming needs them, read in one pass; few of them are kept in memory.
public struct FileFacts: Sendable {
    /// The headers and dependencies of every ELF file.
    public private(set) var elf: [FileTree.InodeID: ELF] = [:]
    /// The SHA-256 of every regular file.
    public private(set) var digests: [FileTree.InodeID: Digest] = [:]
    /// The interpreter and words of every executable script.
    private(set) var scripts: [FileTree.InodeID: Script] = [:]
    /// The contents of the files that configure loaders and packages.
    private(set) var texts: [FileTree.InodeID: [UInt8]] = [:]

    /// Larger ELF files count as plain data.
    private static let maximumELF: Int64 = 1 << 30
    private static let maximumScript: Int64 = 256 << 10
    private static let maximumText: Int64 = 64 << 20

    /// Reads all live files of an image.
    init(of image: Image, _ tree: FileTree) throws {
        let wanted = Self.configuration(in: tree)
        let liveInodes = tree.inodes.indices.filter { tree.inodes[$0].linkCount > 0 && tree.inodes[$0].kind.isFile }
        try image.readContents(of: liveInodes, in: tree) { id, reader in
            try read(id, of: tree.inodes[id], keepsText: wanted.contains(id), reader)
        }
        // A layer's tar has no bytes for an empty file, which still has a digest.
        for id in liveInodes where digests[id] == nil { digests[id] = Digest(of: []) }
    }

    private mutating func read(
        _ id: FileTree.InodeID, of inode: FileTree.Inode, keepsText: Bool, _ reader: TarReader
    ) throws {
        var hasher = Digest.Hasher()
        var bytes: [UInt8] = []
        var limit: Int64 = keepsText ? Self.maximumText : 4
        try reader.readContent { chunk in
            hasher.update(chunk)
            // Four bytes identify a file's type, and may arrive in several chunks.
            let isUnknown = bytes.count < 4
            if isUnknown || inode.kind.size <= limit { bytes += chunk }
            if isUnknown { limit = max(limit, Self.limit(for: bytes, of: inode)) }
        }
        digests[id] = hasher.finalize()
        guard inode.kind.size <= limit else { return }
        if keepsText { texts[id] = bytes }
        if ELF.isELF(bytes) {
            // A file that only begins like ELF is data: no loader accepts it.
            if let file = try? ELF(bytes) { elf[id] = file }
        } else if inode.metadata.mode & 0o111 != 0, let script = Script(bytes) {
            scripts[id] = script
        }
    }

    private static func limit(for start: [UInt8], of inode: FileTree.Inode) -> Int64 {
        if ELF.isELF(start) { return maximumELF }
        return start.starts(with: "#!".utf8) && inode.metadata.mode & 0o111 != 0 ? maximumScript : 0
    }

    /// Returns the text of a configuration file, through links.
    func text(at path: ImagePath, in tree: FileTree) -> [UInt8]? {
        tree.resolve(path).flatMap { texts[tree[node: $0.node].inode] }
    }
}

extension FileFacts {
    /// The files and directories whose contents are read.
    private static let configurationFiles = [
        "etc/ld.so.conf", "etc/ld.so.cache", "etc/ld.so.preload", "etc/nsswitch.conf", "etc/passwd", "etc/group",
        "var/lib/dpkg/status", "var/lib/dpkg/diversions", "lib/apk/db/installed", "usr/lib/apk/db/installed",
    ]
    private static let configurationDirectories = ["etc/ld.so.conf.d", "var/lib/dpkg/info", "var/lib/dpkg/status.d"]

    private static func configuration(in tree: FileTree) -> Set<FileTree.InodeID> {
        var wanted = Set<FileTree.InodeID>()
        func want(_ path: ImagePath) {
            if let node = tree.resolve(path)?.node { wanted.insert(tree[node: node].inode) }
        }
        for file in configurationFiles { want(.known(file)) }
        for directory in configurationDirectories {
            guard let found = tree.resolve(.known(directory)) else { continue }
            let path = tree.path(of: found.node)
            for name in tree[node: found.node].children.keys { want(path.appending(name)) }
        }
        if let found = tree.resolve(.known("etc")) {
            for name in tree[node: found.node].children.keys where name.starts(with: "ld-musl-".utf8) {
                want(tree.path(of: found.node).appending(name))
            }
        }
        return wanted
    }
}

extension ImagePath {
    /// Makes a path from a constant of this program.
    static func known(_ text: String) -> ImagePath {
        do {
            return try ImagePath(text)
        } catch {
            preconditionFailure("the constant path '\(text)' \(error)")
        }
    }
}

internal import OCI

/// The results of reading files' contents, in one pass over the layers and one file at a time.
///
/// At most ``maximumDatabase`` bytes of a file are in memory, and only until the next file.
struct FileScan {
    /// The packages.
    let packages: [Package]
    /// The places of secrets.
    let secrets: [FoundSecret]
    /// The problems of compiled Python modules.
    let python: CompiledPython.Problems

    /// The largest package database that is read, in bytes.
    private static let maximumDatabase: Int64 = 16 << 20

    /// The searches that apply to a file.
    private struct WantedContent {
        var role: PackageScanner.Role?
        var isCompiledPython = false
        var mayHoldSecret = false

        var isEmpty: Bool { role == nil && !isCompiledPython && !mayHoldSecret }
    }

    init(of image: Image, in tree: FileTree, _ liveFiles: LiveFiles) throws {
        var packages = PackageScanner(tree)
        var secrets = SecretScanner()
        var python = CompiledPython(tree, arguments: image.config.arguments)
        var interests: [FileTree.InodeID: WantedContent] = [:]
        for id in tree.inodes.indices where tree.inodes[id].kind.size > 0 {
            let wantedContent = Self.wantedContent(in: tree.inodes[id], at: liveFiles.path(of: id))
            if !wantedContent.isEmpty { interests[id] = wantedContent }
        }
        secrets.read(configurationOf: image)
        try image.readContents(of: interests.keys, in: tree) { id, reader in
            guard let wantedContent = interests[id] else { return }
            let inode = tree.inodes[id]
            let path = liveFiles.path(of: id) ?? inode.path
            if wantedContent.isCompiledPython {
                return python.read(header: try Self.read(reader, limit: CompiledPython.headerSize), of: inode, at: path)
            }
            let bytes = try Self.read(reader, limit: Int(inode.kind.size))
            if let role = wantedContent.role {
                packages.read(bytes, as: role, at: path, layer: inode.layer, isLive: inode.linkCount > 0)
            }
            if wantedContent.mayHoldSecret { secrets.read(bytes, of: inode) }
        }
        self.packages = packages.packages
        self.secrets = secrets.secrets.sorted(by: Self.inOrder)
        self.python = python.problems(liveFiles)
    }

    private static func wantedContent(in inode: FileTree.Inode, at liveFiles: ImagePath?) -> WantedContent {
        let path = liveFiles ?? inode.path
        if liveFiles != nil, CompiledPython.concerns(path) { return WantedContent(isCompiledPython: true) }
        let role = inode.kind.size <= maximumDatabase ? PackageScanner.role(of: path, isLive: liveFiles != nil) : nil
        return WantedContent(role: role, mayHoldSecret: SecretScanner.concerns(inode))
    }

    private static func read(_ reader: TarReader, limit: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < limit {
            let part = try reader.readContent()
            if part.isEmpty { break }
            bytes += part.prefix(limit - bytes.count)
        }
        return bytes
    }

    private static func inOrder(_ left: FoundSecret, _ right: FoundSecret) -> Bool {
        (left.layer ?? -1, left.path, left.line ?? 0, left.rule) < (
            right.layer ?? -1, right.path, right.line ?? 0, right.rule
        )
    }
}

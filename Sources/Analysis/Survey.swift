internal import OCI

/// The results of reading files' contents, in one pass over the layers and one file at a time.
///
/// At most ``maximumDatabase`` bytes of a file are in memory, and only until the next file.
struct Survey {
    /// The packages.
    let packages: [Package]
    /// The places of secrets.
    let secrets: [Secret]
    /// The problems of compiled Python modules.
    let python: CompiledPython.Problems

    /// The largest package database that is read, in bytes.
    private static let maximumDatabase: Int64 = 16 << 20

    /// The searches that apply to a file.
    private struct Interest {
        var role: PackageSurvey.Role?
        var isCompiledPython = false
        var mayHoldSecret = false

        var isEmpty: Bool { role == nil && !isCompiledPython && !mayHoldSecret }
    }

    init(of image: Image, in tree: FileTree, _ living: Living) throws {
        var packages = PackageSurvey(tree)
        var secrets = SecretSurvey()
        var python = CompiledPython(tree, arguments: image.config.arguments)
        var interests: [FileTree.InodeID: Interest] = [:]
        for id in tree.inodes.indices where tree.inodes[id].kind.size > 0 {
            let interest = Self.interest(in: tree.inodes[id], at: living.path(of: id))
            if !interest.isEmpty { interests[id] = interest }
        }
        secrets.read(configurationOf: image)
        try image.readContents(of: interests.keys, in: tree) { id, reader in
            guard let interest = interests[id] else { return }
            let inode = tree.inodes[id]
            let path = living.path(of: id) ?? inode.path
            if interest.isCompiledPython {
                return python.read(header: try Self.read(reader, limit: CompiledPython.headerSize), of: inode, at: path)
            }
            let bytes = try Self.read(reader, limit: Int(inode.kind.size))
            if let role = interest.role {
                packages.read(bytes, as: role, at: path, layer: inode.layer, isLiving: inode.linkCount > 0)
            }
            if interest.mayHoldSecret { secrets.read(bytes, of: inode) }
        }
        self.packages = packages.packages
        self.secrets = secrets.secrets.sorted(by: Self.inOrder)
        self.python = python.problems(living)
    }

    private static func interest(in inode: FileTree.Inode, at living: ImagePath?) -> Interest {
        let path = living ?? inode.path
        if living != nil, CompiledPython.concerns(path) { return Interest(isCompiledPython: true) }
        let role = inode.kind.size <= maximumDatabase ? PackageSurvey.role(of: path, isLiving: living != nil) : nil
        return Interest(role: role, mayHoldSecret: SecretSurvey.concerns(inode))
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

    private static func inOrder(_ left: Secret, _ right: Secret) -> Bool {
        (left.layer ?? -1, left.path, left.line ?? 0, left.rule) < (
            right.layer ?? -1, right.path, right.line ?? 0, right.rule
        )
    }
}

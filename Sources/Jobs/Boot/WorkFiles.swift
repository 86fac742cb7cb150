internal import Analysis
internal import ColdStart
internal import ImageFiles
internal import Linux
internal import OCI

/// The files of an image by the paths that a start reported, with their layers, packages and functions.
struct WorkFiles: Sendable {
    private let tree: FileTree
    private let owners: PackageOwners?
    private let functions: [FileTree.InodeID: ELFFunctions]

    /// The limit of an ELF file that is read for its symbols.
    private static let maximumSize: Int64 = 512 << 20

    /// Knows layers only.
    init(_ tree: FileTree) { (self.tree, owners, functions) = (tree, nil, [:]) }

    /// Reads the symbols of the executable files of a trace.
    init(_ files: ImageFiles, _ trace: StartTrace) async throws {
        let (image, tree) = (files.image, files.tree)
        let objects = Set(trace.samples.compactMap(\.object)).compactMap { WorkFiles.inode(of: $0, in: tree) }
        functions = try await Offload.run {
            var functions: [FileTree.InodeID: ELFFunctions] = [:]
            try image.readContents(of: Set(objects), in: tree) { id, reader in
                guard tree.inodes[id].kind.size <= Self.maximumSize else { return }
                var bytes: [UInt8] = []
                try reader.readContent { bytes += $0 }
                // A file with a damaged table still runs; its functions have no names then.
                functions[id] = try? ELFFunctions(bytes)
            }
            return functions
        }
        self.tree = tree
        owners = PackageOwners(of: files)
    }

    /// Returns the file at an absolute path.
    func file(at path: [UInt8]) -> WorkFile {
        let inode = Self.inode(of: path, in: tree)
        return WorkFile(
            path: OutputLines.line(path[...]).visibleLine, layer: inode.map { tree.inodes[$0].layer },
            package: inode.flatMap { owners?[$0] })
    }

    /// Returns the function at an offset of a file.
    func function(at offset: UInt64, of path: [UInt8]) -> String? {
        Self.inode(of: path, in: tree).flatMap { functions[$0]?.name(atOffset: offset) }?.visibleLine
    }

    private static func inode(of path: [UInt8], in tree: FileTree) -> FileTree.InodeID? {
        guard let place = try? ImagePath(entry: path.drop { $0 == UInt8(ascii: "/") }) else { return nil }
        return tree.resolve(place).map { tree[node: $0.node].inode }
    }
}

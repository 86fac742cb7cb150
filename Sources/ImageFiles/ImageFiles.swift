public import Linux
public import OCI

/// The files of an image and the facts about their contents, made in one pass over its layers.
///
/// ```
/// layers, two at once ─► headers ──────────────────────────► merged tree, with the SHA-256 of each file
///                    └─► contents ─► ELF, script, database ─► facts by inode
/// ```
/// Analysis, slimming and the start of an image read this value instead of the layers. Memory grows with the number of
/// files, with package databases and with ELF headers, not with the files' bytes.
public struct ImageFiles: Sendable {
    /// The image.
    public let image: Image
    /// The files of all layers; every regular file has its digest.
    public let tree: FileTree
    /// The compressed bytes of each file.
    public let packedSizes: PackedSizes
    /// The headers and dependencies of every live ELF file.
    public private(set) var elf: [FileTree.InodeID: ELF] = [:]
    /// The interpreter and words of every live executable script.
    public private(set) var scripts: [FileTree.InodeID: Script] = [:]
    /// The programs and character sets that live sources and supervisors' configurations name.
    public private(set) var sources: [FileTree.InodeID: SourceFacts] = [:]
    /// The headers of compiled Python modules.
    public private(set) var bytecode: [FileTree.InodeID: [UInt8]] = [:]
    /// The names and versions of npm packages, by their `package.json`.
    public private(set) var npm: [FileTree.InodeID: NpmManifest] = [:]
    /// The matches of the text search.
    public private(set) var matches: [FileTree.InodeID: [TextSearch.Match]] = [:]
    /// The contents of package databases, live or not, and of live files that configure loaders and accounts.
    public private(set) var texts: [FileTree.InodeID: [UInt8]] = [:]

    /// The number of layers that are read at once.
    private static let width = 2

    /// Reads every layer once.
    ///
    /// - Parameters:
    ///   - search: A search in the text of files.
    ///   - readsPrograms: False to leave ``elf``, ``scripts`` and ``sources`` empty.
    /// - Throws: `OCIError` for a damaged layer, `SystemError` if a large ELF file can't be kept in a temporary file.
    public init(of image: Image, search: TextSearch? = nil, readsPrograms: Bool = true) async throws {
        let wanted = WantedFacts(search: search, readsPrograms: readsPrograms)
        let layers = try await Offload.map(image.layers, width: Self.width) { layer in
            try LayerFiles(of: layer, in: image, wanted)
        }
        var tree = FileTree()
        for (index, layer) in layers.enumerated() {
            try tree.apply(layer.entries, layer: index, name: image.layers[index].descriptor.digest.short)
        }
        self.image = image
        self.tree = tree
        packedSizes = PackedSizes(layers.map(\.packedSizes))
        for (id, inode) in tree.inodes.enumerated() where inode.ordinal >= 0 {
            if let facts = layers[inode.layer].facts[inode.ordinal] { add(facts, of: inode, id) }
        }
        try await readLinkedTexts(wanted)
    }

    private mutating func add(_ facts: FileFacts, of inode: FileTree.Inode, _ id: FileTree.InodeID) {
        if !facts.matches.isEmpty { matches[id] = facts.matches }
        // A deleted database tells which layer installed a package.
        if inode.linkCount > 0 || KnownFile(inode.path)?.isDatabase ?? false { texts[id] = facts.text }
        guard inode.linkCount > 0 else { return }
        elf[id] = facts.elf
        scripts[id] = facts.script
        sources[id] = facts.source
        bytecode[id] = facts.bytecode
        npm[id] = facts.npm
    }

    /// Reads the configuration files that have another name in their layer, because a link leads to them.
    private mutating func readLinkedTexts(_ wanted: WantedFacts) async throws {
        let (image, tree) = (image, tree)
        let missing = KnownFile.live(in: tree).filter { texts[$0] == nil && tree.inodes[$0].kind.isFile }
        guard !missing.isEmpty else { return }
        let found = try await Offload.run {
            var texts: [FileTree.InodeID: [UInt8]] = [:]
            try image.readContents(of: missing, in: tree) { id, reader in
                guard tree.inodes[id].kind.size <= KnownFile.maximumSize else { return }
                var bytes: [UInt8] = []
                try reader.readContent { bytes += $0 }
                texts[id] = bytes
            }
            return texts
        }
        texts.merge(found) { $1 }
    }
}

extension ImageFiles {
    /// Returns the text of a known file, through links.
    public func text(at path: ImagePath) -> [UInt8]? {
        tree.resolve(path).flatMap { texts[tree[node: $0.node].inode] }
    }

    /// Returns the SHA-256 of a regular file's content.
    public func digest(of inode: FileTree.InodeID) -> Digest? { tree.inodes[inode].content }
}

/// The name and version in a `package.json`.
public struct NpmManifest: Sendable, Hashable {
    /// The package's name, with its scope.
    public let name: String
    /// The version, as written.
    public let version: String

    /// Parses a manifest; nil for one that npm itself would fail on.
    init?(_ bytes: [UInt8]) {
        guard let json = try? JSON(parsing: bytes, what: "package.json"), let name = json["name"]?.string,
            let version = json["version"]?.string
        else { return nil }
        self.name = name
        self.version = version
    }
}

internal import ImageFiles
internal import Linux
public import OCI

/// The comparison of two images: size, layers, packages, directories, files, configuration and history.
public struct ImageComparison: Sendable {
    /// One of the images.
    public struct ComparedImage: Sendable, Equatable {
        /// The name in the user's command.
        public let name: String
        /// The manifest's digest.
        public let digest: Digest
        /// The bytes of all layers' blobs.
        public let compressedSize: Int64
        /// The bytes of the files in all layers.
        public let size: Int64
    }

    public let before: ComparedImage
    public let after: ComparedImage
    /// True if times and orders don't count.
    public let isSemantic: Bool
    /// The files, settings and lines of history that differ.
    public let difference: ImageDiff
    /// All layers, aligned by their contents, lowest first.
    public let layers: [LayerChange]
    /// The packages that differ, the largest changes first.
    public let packages: [PackageChange]
    /// The directories with the largest changes.
    public let directories: [DirectoryChange]

    /// Reads every layer of both images once, and compares them.
    ///
    /// - Parameters:
    ///   - names: The names for people.
    ///   - isSemantic: True to ignore times and orders, as between two builds of the same sources.
    public init(
        between before: Image, and after: Image, names: (before: String, after: String), isSemantic: Bool = false,
        keptIn store: Store? = nil
    ) async throws {
        // The search of reports, so that a report and a comparison share the facts.
        let search = store == nil ? nil : SecretPolicy.standard.search
        let (old, new) = (
            try await ImageFiles(of: before, search: search, readsPrograms: false, keptIn: store),
            try await ImageFiles(of: after, search: search, readsPrograms: false, keptIn: store)
        )
        self = try await Offload.run {
            ImageComparison(between: old, and: new, names: names, isSemantic: isSemantic)
        }
    }

    private init(
        between old: ImageFiles, and new: ImageFiles, names: (before: String, after: String), isSemantic: Bool
    ) {
        self.isSemantic = isSemantic
        let all = ImageDiff((old.image, old.tree), (new.image, new.tree))
        difference = isSemantic ? all.semantic : all
        before = Self.side(old, names.before)
        after = Self.side(new, names.after)
        layers = LayerChange.all(Self.layers(old), Self.layers(new))
        packages = PackageChange.all(Self.packages(old), Self.packages(new))
        directories = DirectoryChange.largest(15, of: difference.files)
    }

    private static func side(_ files: ImageFiles, _ name: String) -> ComparedImage {
        ComparedImage(
            name: name, digest: files.image.descriptor.digest, compressedSize: files.image.compressedSize,
            size: files.tree.inodes.reduce(0) { $0 &+ $1.kind.size })
    }

    private static func layers(_ files: ImageFiles) -> (layers: [LayerFacts], tree: FileTree) {
        (LayerFacts.all(of: files.image, in: files.tree, Waste(of: files.tree)), files.tree)
    }

    private static func packages(_ files: ImageFiles) -> [Package] {
        PackageScanner(files, LiveFiles(files.tree)).packages
    }

    /// True if nothing differs.
    public var isEmpty: Bool { difference.isEmpty && packages.isEmpty }

    /// The growth of the compressed size in bytes.
    public var growth: Int64 { after.compressedSize - before.compressedSize }

    /// The layers that differ, the largest growths and shrinkages first.
    var changedLayers: [LayerChange] {
        layers.filter { $0.state != .same }.sorted { $0.growth.magnitude > $1.growth.magnitude }
    }
}

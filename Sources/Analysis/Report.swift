public import ImageFiles
internal import Linux
public import OCI

/// The report on an image: its bytes, the wasted ones, and its risks.
public struct Report: Sendable {
    /// The image as a whole.
    public let image: ImageSummary
    /// The layers, lowest first.
    public private(set) var layers: [LayerFacts]
    /// The base of the image.
    public let base: BaseImage
    /// The largest visible files.
    public let largestFiles: [FileList.FileRow]
    /// The visible directories that hold most bytes.
    public let largestDirectories: [DirectorySize]
    /// The bytes that no container sees.
    public let waste: Waste
    /// The contents with several names.
    public let duplicates: [Duplicate]
    /// The packages of all package managers.
    public let packages: [Package]
    /// The places with possible secrets.
    public let secrets: [FoundSecret]
    /// The number of places with possible secrets that are allowed.
    public let allowedSecrets: Int
    /// The findings, most important first.
    public let findings: [Finding]
    /// The files of all layers.
    let tree: FileTree
    /// The packages that own files, by the lists of package managers.
    let owners: [FileTree.InodeID: String]
    /// The figures of dive, which replace efficiency and waste if they are set.
    public var dive: DiveMetric?

    /// An image in one line.
    public struct ImageSummary: Sendable, Equatable {
        /// The name in the user's command.
        public let reference: String
        /// The manifest's digest.
        public let digest: Digest
        /// The image's platform.
        public let platform: Platform
        /// The bytes of regular files in all layers.
        public let size: Int64
        /// The bytes of all layers' blobs.
        public let compressedSize: Int64
        /// The number of layers.
        public let layerCount: Int
    }

    /// Names the lines of the Dockerfile that made the layers.
    public mutating func setSources(_ sources: [Int: String]) {
        for index in layers.indices { layers[index].source = sources[index] }
    }

    /// The part of the shipped bytes that is not wasted, by the chosen metric.
    var efficiency: Double { dive?.efficiency ?? waste.efficiency }

    /// The wasted bytes by the chosen metric.
    var wastedBytes: Int64 { dive?.wastedBytes ?? waste.wastedBytes }

    /// The number of the largest files, and of the largest directories.
    private static let largest = 15

    /// Reads every layer of an image once, or takes the facts that `store` has kept.
    public init(
        of image: Image, reference: String, base: BaseImage = .unknown, policy: SecretPolicy = .standard,
        keptIn store: Store? = nil
    ) async throws {
        let files = try await ImageFiles(of: image, search: policy.search, readsPrograms: false, keptIn: store)
        self = try await Offload.run { Report(of: files, reference: reference, base: base, policy: policy) }
    }

    /// Reports on files that were read with the search of `policy`.
    public init(
        of files: ImageFiles, reference: String, base: BaseImage = .unknown, policy: SecretPolicy = .standard
    ) {
        self.base = base
        let (image, tree) = (files.image, files.tree)
        self.tree = tree
        let liveFiles = LiveFiles(tree)
        let packed = files.packedSizes
        waste = Waste(of: tree, packed: packed)
        layers = LayerFacts.all(of: image, in: tree, waste)
        largestFiles = FileList.largest(Self.largest, in: tree, liveFiles)
        largestDirectories = DirectorySizes(in: tree, liveFiles).largest(Self.largest)
        duplicates = Duplicate.all(in: tree, liveFiles, packed: packed)
        let packageScanner = PackageScanner(files, liveFiles)
        (packages, owners) = (packageScanner.packages, packageScanner.owners)
        let scanner = SecretScanner(files, policy)
        (secrets, allowedSecrets) = (scanner.secrets, scanner.allowedCount)
        let python = CompiledPython(files, liveFiles).problems(liveFiles)
        let bytes = ByteFindings(layers, base).findings(
            waste: waste, duplicates: duplicates, leftovers: LeftoverFiles(tree, packed: packed), python: python,
            in: tree)
        let surface = AttackSurface(tree, packages)
        let safety = SafetyFindings.findings(
            secrets: secrets, allowedSecrets: allowedSecrets, surface: surface, of: image, in: tree)
        findings = (bytes + safety).map { $0.owned(base, in: tree) }.sorted(by: Finding.inOrder)
        self.image = ImageSummary(
            reference: reference, digest: image.descriptor.digest, platform: image.config.platform,
            size: waste.shippedBytes, compressedSize: image.compressedSize, layerCount: image.layers.count)
    }
}

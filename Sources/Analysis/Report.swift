internal import Linux
public import OCI

/// Where an image's bytes are, which are wasted, and what in it is dangerous.
public struct Report: Sendable {
    /// The image as a whole.
    public let image: ImageFacts
    /// Its layers, lowest first.
    public let layers: [LayerFacts]
    /// Bytes that no container sees.
    public let waste: Waste
    /// Contents that live under several names.
    public let duplicates: [Duplicate]
    /// What package managers installed.
    public let packages: [Package]
    /// Places that hold what looks like secrets.
    public let secrets: [Secret]
    /// What should be known, most important first.
    public let findings: [Finding]

    /// An image in one line.
    public struct ImageFacts: Sendable, Equatable {
        /// The name that the image was asked for by.
        public let reference: String
        /// Its manifest.
        public let digest: Digest
        /// What it runs on.
        public let platform: Platform
        /// Bytes of regular files in all layers.
        public let size: Int64
        /// Bytes of all layers' blobs.
        public let compressedSize: Int64
        /// How many layers it has.
        public let layerCount: Int
    }

    /// Reads every layer twice: once for names and digests, once for what must be read out of files.
    ///
    /// Memory grows with the number of files, not with their bytes.
    public init(of image: Image, reference: String) async throws {
        let tree = try await image.tree(contents: true)
        self = try await Offload.run { try Report(of: image, tree: tree, reference: reference) }
    }

    private init(of image: Image, tree: FileTree, reference: String) throws {
        let living = Living(tree)
        let survey = try Survey(of: image, in: tree, living)
        waste = Waste(of: tree)
        layers = LayerFacts.all(of: image, in: tree, waste)
        duplicates = Duplicate.all(in: tree, living)
        packages = survey.packages
        secrets = survey.secrets
        let bytes = ByteFindings(layers).findings(waste, duplicates, Leftovers(tree), survey.python, tree)
        let hazards = Hazards(tree, packages)
        findings = (bytes + SafetyFindings.findings(secrets, hazards, image, tree)).sorted(by: Finding.inOrder)
        self.image = ImageFacts(
            reference: reference, digest: image.descriptor.digest, platform: image.config.platform,
            size: waste.shippedBytes, compressedSize: image.compressedSize, layerCount: image.layers.count)
    }
}

public import ImageFiles
public import OCI

/// The facts about an image that budgets limit.
public struct BudgetFacts: Sendable {
    /// The image.
    public let image: Image
    /// The base of the image.
    public let base: BaseImage
    /// The files of all layers.
    public let tree: FileTree
    /// The bytes that no container sees.
    public let waste: Waste
    /// The layers, lowest first.
    public let layers: [LayerFacts]
    /// Files that programs don't need, the largest groups first.
    public let leftovers: [Leftover]
    /// The files that run with their owner's or group's rights.
    public let setuidFiles: [ImagePath]
    /// The facts for which files must be read; nil if only headers were.
    public let contents: Contents?

    /// The facts for which files must be read.
    public struct Contents: Sendable {
        /// The contents with several names.
        public let duplicates: [Duplicate]
        /// The packages of all package managers.
        public let packages: [Package]
        /// The places with possible secrets.
        public let secrets: [FoundSecret]
    }

    /// Files of one kind in one layer that programs don't need.
    public struct Leftover: Sendable, Equatable {
        /// The rule's name: `apt-lists`.
        public let id: String
        /// The description for people.
        public let what: String
        public let layer: Int
        /// The number of files.
        public let files: Int
        public let bytes: Int64
        /// The largest of the files.
        public let largest: ImagePath
    }

    /// Takes the facts that the headers of the layers show.
    public init(of image: Image, in tree: FileTree, base: BaseImage) {
        self.init(of: image, in: tree, base: base, contents: nil)
    }

    /// Takes all facts of files that were read with the search of `policy`.
    public init(of files: ImageFiles, base: BaseImage, policy: SecretPolicy = .standard) {
        let liveFiles = LiveFiles(files.tree)
        let contents = Contents(
            duplicates: Duplicate.all(in: files.tree, liveFiles),
            packages: PackageScanner(files, liveFiles).packages, secrets: SecretScanner(files, policy).secrets)
        self.init(of: files.image, in: files.tree, base: base, contents: contents)
    }

    private init(of image: Image, in tree: FileTree, base: BaseImage, contents: Contents?) {
        (self.image, self.tree, self.base, self.contents) = (image, tree, base, contents)
        waste = Waste(of: tree)
        layers = LayerFacts.all(of: image, in: tree, waste)
        leftovers = LeftoverFiles(tree).groups.map { group in
            Leftover(
                id: group.kind.id, what: group.kind.what, layer: group.layer, files: group.count, bytes: group.bytes,
                largest: group.largest)
        }
        setuidFiles = AttackSurface(tree, []).setuid
    }

    /// True if the image's program runs as root.
    public var runsAsRoot: Bool { AttackSurface.isRoot(image.config.user) }
}

internal import Linux
public import OCI

/// The answer of `thaw analyze --files`: files, or with a depth directories, and the layers that they come from.
public struct FileReport: Sendable {
    /// The image as a whole.
    public let image: Report.ImageSummary
    /// The commands of the layers, lowest first.
    public private(set) var layers: [LayerCommand]
    /// The rows.
    public let rows: Rows

    /// A layer and the instruction that made it.
    public struct LayerCommand: Sendable, Equatable {
        /// The digest of the layer's blob.
        public let digest: Digest
        /// The instruction in one line; empty if the history has none.
        public let command: String
        /// The line of the Dockerfile that made it; nil if it is not known.
        public internal(set) var source: String?
    }

    /// The rows of either form.
    public enum Rows: Sendable {
        case files([FileList.FileRow])
        case directories([DirectorySize])
    }

    /// The selection and order of the rows.
    public struct FileSelection: Sendable {
        /// The only layer; nil for all.
        public var layer: Int?
        public var order: FileList.Order
        /// The depth of the directories that are summed up; nil for single files.
        public var depth: Int?

        public init(layer: Int? = nil, order: FileList.Order = .size, depth: Int? = nil) {
            (self.layer, self.order, self.depth) = (layer, order, depth)
        }
    }

    /// Names the lines of the Dockerfile that made the layers.
    public mutating func setSources(_ sources: [Int: String]) {
        for index in layers.indices { layers[index].source = sources[index] }
    }

    /// Lists the files of an image with its tree, which needs no contents.
    public init(of image: Image, in tree: FileTree, reference: String, _ options: FileSelection) {
        let list = FileList(tree, layer: options.layer, order: options.order).rows
        self.image = Report.ImageSummary(
            reference: reference, digest: image.descriptor.digest, platform: image.config.platform,
            size: tree.inodes.reduce(0) { $0 &+ $1.kind.size }, compressedSize: image.compressedSize,
            layerCount: image.layers.count)
        let commands = ImageHistory.commands(of: image)
        layers = zip(image.layers, commands).map { LayerCommand(digest: $0.descriptor.digest, command: $1) }
        guard let depth = options.depth else {
            rows = .files(list)
            return
        }
        let directories = DirectorySizes(list).all(depth: depth)
        rows = .directories(
            options.order == .path
                ? directories.sorted { $0.path < $1.path }
                : directories.sorted {
                    ($1.bytes, $1.hiddenBytes, $0.path) < ($0.bytes, $0.hiddenBytes, $1.path)
                })
    }
}

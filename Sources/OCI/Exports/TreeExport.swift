internal import Linux

/// An export of images' files as one tar, as a container would see them, without whiteouts.
///
/// Several images each have a directory of their own, named after the platform as `linux_amd64`.
public struct TreeExport: Sendable {
    private let images: [(image: Image, tree: FileTree, directory: ImagePath)]
    private let epoch: Int64?

    /// Prepares the files of `images`, each with its tree; no time is later than `epoch`.
    ///
    /// With `split` each image has its directory.
    public init(_ images: [(image: Image, tree: FileTree)], split: Bool, epoch: Int64?) throws {
        self.images = try images.map { image, tree in
            (image, tree, split ? try Self.directory(for: image.config.platform) : .root)
        }
        self.epoch = epoch
    }

    /// Writes the tar.
    ///
    /// - Throws: ``OCIError/samePath(_:)`` if two images have the same file in one directory.
    public func write(to sink: any ByteSink) throws {
        let tar = TarWriter(sink)
        var taken = TakenPaths()
        for (image, tree, directory) in images {
            if images.count > 1 { try taken.add(tree, below: directory) }
            if !directory.isRoot { try tar.add(LayerEntry(directory, .add(.directory), FileMetadata(mode: 0o755))) }
            try TreeDelta(to: tree).write(from: image, add: { try tar.add(placed($0, below: directory)) }) {
                entry, reader in
                try tar.add(placed(entry, below: directory))
                try reader.readContent { try tar.write($0) }
            }
        }
        try tar.finish()
    }

    private func placed(_ entry: LayerEntry, below directory: ImagePath) -> LayerEntry {
        var entry = entry
        entry.path = entry.path.moved(below: directory)
        if case .link(let target) = entry.change { entry.change = .link(to: target.moved(below: directory)) }
        entry.metadata = entry.metadata.clamped(to: epoch)
        return entry
    }

    /// Returns the name `linux_amd64`, as in buildx.
    static func directory(for platform: Platform) throws -> ImagePath {
        try ImagePath("\(platform)".split(separator: "/").joined(separator: "_"))
    }
}

/// The paths of earlier images in a common directory: a file of one must not hide another's.
struct TakenPaths {
    private var files: Set<ImagePath> = []
    private var directories: Set<ImagePath> = []

    /// Adds the paths of a tree.
    ///
    /// - Throws: ``OCIError/samePath(_:)`` if a path is taken, and either is no directory.
    mutating func add(_ tree: FileTree, below directory: ImagePath) throws {
        var mine: (files: Set<ImagePath>, directories: Set<ImagePath>) = ([], [])
        try tree.walk { path, node in
            let place = path.moved(below: directory)
            let isDirectory = tree.inode(of: node).kind.isDirectory
            guard !files.contains(place), isDirectory || !directories.contains(place) else {
                throw OCIError.samePath(place)
            }
            if isDirectory { mine.directories.insert(place) } else { mine.files.insert(place) }
        }
        files.formUnion(mine.files)
        directories.formUnion(mine.directories)
    }
}

extension FileMetadata {
    func clamped(to epoch: Int64?) -> FileMetadata {
        var metadata = self
        if let epoch { metadata.mtime = FileTime(seconds: min(epoch, mtime.seconds)) }
        return metadata
    }
}

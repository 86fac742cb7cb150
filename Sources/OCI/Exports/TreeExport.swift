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
    /// - Parameter documents: The documents about the files of each image; nil for none.
    /// - Throws: ``OCIError/samePath(_:)`` if two images have the same file in one directory.
    public func write(to sink: any ByteSink, documents: [ExportedFiles.Documents]? = nil) throws {
        let tar = TarWriter(sink)
        var taken = TakenPaths()
        for (index, (image, tree, directory)) in images.enumerated() {
            if images.count > 1 { try taken.add(tree, below: directory) }
            if !directory.isRoot { try tar.add(LayerEntry(directory, .add(.directory), FileMetadata(mode: 0o755))) }
            var files = ExportedFiles()
            try TreeDelta(to: tree).write(from: image) { entry in
                try tar.add(placed(entry, below: directory))
                files.add(entry)
            } file: { entry, reader in
                try tar.add(placed(entry, below: directory))
                guard documents != nil else { return try reader.readContent { try tar.write($0) } }
                try files.add(entry, reader) { try tar.write($0) }
            }
            for document in try documents?[index](files) ?? [] { try add(document, below: directory, to: tar) }
        }
        try tar.finish()
    }

    private func add(_ document: ExportedFiles.Document, below directory: ImagePath, to tar: TarWriter) throws {
        let size = Int64(document.bytes.count)
        try tar.add(
            LayerEntry(
                directory.appending(Array(document.name.utf8)), .add(.file(size: size)), FileMetadata(mode: 0o600)))
        try tar.write(document.bytes[...])
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

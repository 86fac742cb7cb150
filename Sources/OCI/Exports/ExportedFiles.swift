/// The regular files of an export by their paths, with their digests: the subjects of statements about them.
public struct ExportedFiles: Sendable {
    private var digests: [ImagePath: Digest] = [:]

    /// The paths without a leading slash and their digests, in the order of the paths.
    public var sorted: [(path: String, digest: Digest)] {
        digests.sorted { $0.key < $1.key }.map { (String($0.key.description.dropFirst()), $0.value) }
    }

    /// Passes the content of a file to `write`, and adds the file.
    mutating func add(_ entry: LayerEntry, _ reader: TarReader, write: (ArraySlice<UInt8>) throws -> Void) throws {
        var hasher = Digest.Hasher()
        try reader.readContent {
            hasher.update($0)
            try write($0)
        }
        digests[entry.path] = hasher.finalize()
    }

    /// Adds another name of a file; other entries change nothing.
    mutating func add(_ entry: LayerEntry) {
        if case .link(let first) = entry.change { digests[entry.path] = digests[first] }
    }

    /// A document that is written beside the files.
    public struct Document: Sendable {
        /// The name in the directory of the files.
        public let name: String
        /// The content.
        public let bytes: [UInt8]

        /// Makes a document.
        public init(name: String, bytes: [UInt8]) { (self.name, self.bytes) = (name, bytes) }
    }

    /// Returns the documents about the files of an image.
    public typealias Documents = @Sendable (_ files: ExportedFiles) throws -> [Document]
}

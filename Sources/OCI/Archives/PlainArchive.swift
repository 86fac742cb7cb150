internal import Linux
internal import SystemPackage

/// An OCI layout in an uncompressed tar on disk: its blobs are read where they stand, and nothing is copied to look at
/// an image.
struct PlainArchive: BlobSource {
    private let file: SeekableFile
    private let files: ArchiveFiles<Slice>

    /// Where a file stands in the tar.
    private struct Slice {
        let offset: Int64
        let size: Int64
    }

    /// Looks through the headers of a tar; nil where the file is no regular one, or compressed.
    init?(_ descriptor: consuming OwnedDescriptor, name: String) throws {
        file = SeekableFile(descriptor)
        let start = try file.read(512, at: 0)
        guard try file.isRegular(), !FilteredSource.fits(start), Compression(sniffing: start) == .uncompressed else {
            return nil
        }
        let reader = TarReader(SliceSource(file, from: 0, size: nil), layer: name)
        var files = ArchiveFiles<Slice>(name)
        while let entry = try reader.next() {
            try files.add(entry) { Slice(offset: reader.offset, size: entry.size) }
        }
        self.files = files
    }

    func open(_ blob: Descriptor) throws -> any ByteSource {
        guard let slice = files["blobs/sha256/\(blob.digest.hex)"] else { throw OCIError.blobMissing(blob.digest) }
        let source = SliceSource(file, from: slice.offset, size: slice.size)
        return VerifyingSource(source, digest: blob.digest, size: blob.size)
    }

    /// The images of its layout; nil where it has none, or the layout lacks something that `docker save`'s own document
    /// may still lead to.
    func images() throws -> [ForeignImage]? {
        guard let index = files["index.json"] else { return nil }
        guard index.size <= 64 << 20 else {
            throw OCIError.unreadableArchive(files.name, reason: "its index.json has \(index.size) bytes")
        }
        var bytes: [UInt8] = []
        try SliceSource(file, from: index.offset, size: index.size).copy { bytes += $0 }
        let images = try Index(parsing: bytes, what: "\(files.name): index.json").manifests.map {
            try ForeignImage($0, in: self)
        }
        if files["manifest.json"] == nil { return images }
        let areNamed = images.allSatisfy { !$0.names.isEmpty }
        return try areNamed && ForeignImage.areWhole(images, name: files.name) ? images : nil
    }
}

/// A file that is read at any place by several at once.
private final class SeekableFile: Sendable {
    private let descriptor: OwnedDescriptor

    init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }

    func isRegular() throws(SystemError) -> Bool { try descriptor.status().type == .regular }

    func read(_ count: Int, at offset: Int64) throws(SystemError) -> [UInt8] {
        try isRegular() ? descriptor.read(count, at: offset) : []
    }
}

/// A part of a file, or all that follows a place where no size is given.
private final class SliceSource: ByteSource {
    private static let chunk: Int64 = 256 << 10
    private let file: SeekableFile
    private var offset: Int64
    private var left: Int64

    init(_ file: SeekableFile, from offset: Int64, size: Int64?) {
        (self.file, self.offset, left) = (file, offset, size ?? .max)
    }

    func next() throws -> [UInt8] {
        if left == 0 { return [] }
        let bytes = try file.read(Int(min(left, Self.chunk)), at: offset)
        offset += Int64(bytes.count)
        left -= Int64(bytes.count)
        return bytes
    }
}

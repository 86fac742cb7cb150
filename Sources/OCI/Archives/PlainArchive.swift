internal import Linux
internal import SystemPackage

/// An OCI layout in an uncompressed tar on disk, whose blobs are read in place.
///
/// Nothing is copied to read an image.
struct PlainArchive: BlobSource {
    private let file: SeekableFile
    private let files: ArchiveFiles<Slice>

    /// The position of a file in the tar.
    private struct Slice {
        let offset: Int64
        let size: Int64
    }

    /// Reads the headers of a tar; nil if the file is not a regular one, or is compressed.
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

    /// Returns the images of its layout; nil without a complete layout.
    ///
    /// `docker save`'s own document may still have the missing parts.
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
        let areNamed = !images.isEmpty && images.allSatisfy { !$0.names.isEmpty }
        return try areNamed && ForeignImage.areComplete(images, name: files.name) ? images : nil
    }
}

/// A file that several threads read at any offset.
private final class SeekableFile: Sendable {
    private let descriptor: OwnedDescriptor

    init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }

    func isRegular() throws(SystemError) -> Bool { try descriptor.status().type == .regular }

    func read(_ count: Int, at offset: Int64) throws(SystemError) -> [UInt8] {
        try isRegular() ? descriptor.read(count, at: offset) : []
    }
}

/// A part of a file, or all that follows an offset if there is no size.
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

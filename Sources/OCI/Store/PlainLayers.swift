internal import Linux
internal import Synchronization
public import SystemPackage

/// A source whose layers are decompressed and verified only once.
///
/// ```
/// first reader   blob ─► SHA-256 ─► inflate ─► SHA-256 ─┬─► tar
///                                                       └─► file without a name
/// next readers                          file ───────────► tar
/// ```
/// For a command that reads an image several times. The files need as much disk as the layers' tars, until this value
/// is released. A layer whose file can't be written is read from its blob each time.
public final class PlainLayers: BlobSource {
    private let source: any BlobSource
    private let directory: FilePath
    private let files = Mutex<[Digest: Tar]>([:])
    /// The limit of open files.
    private static let maximumFiles = 256

    /// A plain tar and its size in bytes.
    fileprivate struct Tar: Sendable {
        let file: TemporaryFile
        var byteCount: Int64 = 0
    }

    /// Reads from `source`, with files on the file system of `directory`.
    public init(_ source: any BlobSource, in directory: FilePath) {
        self.source = source
        self.directory = directory
    }

    public func open(_ blob: Descriptor) throws -> any ByteSource { try source.open(blob) }

    /// Opens the tar of a layer: its file or the source's if there is one, or else `tar`, a verified source, which leaves a
    /// file.
    ///
    /// - Parameter isRecorded: True if the reader needs the layer decompressed, so the source's tar is not read.
    func open(
        _ layer: Layer, isRecorded: Bool, otherwise tar: () throws -> any ByteSource
    ) throws -> any ByteSource {
        if let known = files.withLock({ $0[layer.diffID] }) { return TarSource(known) }
        if !isRecorded, let plain = try source.openPlain(layer.diffID) { return plain }
        let tar = try tar()
        guard files.withLock({ $0.count }) < Self.maximumFiles, let file = try? TemporaryFile(in: directory) else {
            return tar
        }
        return CopyingSource(tar, to: Tar(file: file)) { [self] copy in
            files.withLock { $0[layer.diffID] = copy }
        }
    }
}

extension Image {
    /// Returns the same image with its blobs in `source`.
    public func reading(from source: any BlobSource) -> Image {
        var image = self
        image.source = source
        return image
    }
}

/// A source over a plain tar.
private final class TarSource: ByteSource {
    private static let chunkSize: Int64 = 256 << 10
    private let tar: PlainLayers.Tar
    private var offset: Int64 = 0

    init(_ tar: PlainLayers.Tar) { self.tar = tar }

    func next() throws -> [UInt8] {
        let count = min(Self.chunkSize, tar.byteCount - offset)
        guard count > 0 else { return [] }
        defer { offset += count }
        return try tar.file.read(Int(count), at: offset)
    }
}

/// A source that copies what it passes on, and reports the copy at its verified end.
private final class CopyingSource: ByteSource {
    private let source: any ByteSource
    private var copy: PlainLayers.Tar?
    private let finish: (PlainLayers.Tar) -> Void

    init(_ source: any ByteSource, to copy: PlainLayers.Tar, finish: @escaping (PlainLayers.Tar) -> Void) {
        self.source = source
        self.copy = copy
        self.finish = finish
    }

    func next() throws -> [UInt8] {
        let chunk = try source.next()
        guard let copy else { return chunk }
        if chunk.isEmpty {
            self.copy = nil
            finish(copy)
            return chunk
        }
        do throws(SystemError) {
            try unsafe copy.file.descriptor.write(chunk.span.bytes, at: copy.byteCount)
            self.copy?.byteCount += Int64(chunk.count)
        } catch {
            // For example a full disk: the layer is read from its blob the next time.
            self.copy = nil
        }
        return chunk
    }
}

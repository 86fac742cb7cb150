internal import CArchive

/// A source that decompresses bzip2 or xz through libarchive.
///
/// No image may have such layers, but other programs' tars and old archives do.
@safe final class FilteredSource: ByteSource {
    private let archive: OpaquePointer
    private let chunkReader: ChunkReader
    private let name: String
    private var isOpen = false

    /// True if the first bytes of a file are those of bzip2 or xz.
    static func fits(_ start: [UInt8]) -> Bool {
        start.starts(with: "BZh".utf8) || start.starts(with: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0])
    }

    init(_ source: any ByteSource, name: String) throws(OCIError) {
        guard let archive = unsafe archive_read_new() else {
            throw .malformedCompression(name, reason: "libarchive cannot be initialized")
        }
        unsafe self.archive = archive
        chunkReader = ChunkReader(source)
        self.name = name
        unsafe archive_read_support_filter_bzip2(archive)
        unsafe archive_read_support_filter_xz(archive)
        unsafe archive_read_support_format_raw(archive)
    }

    deinit { unsafe archive_read_free(archive) }

    func next() throws -> [UInt8] {
        if !isOpen { try open() }
        var count = 0
        let chunk = unsafe [UInt8](unsafeUninitializedCapacity: 256 << 10) { buffer, initialized in
            count = unsafe archive_read_data(archive, buffer.baseAddress, buffer.count)
            initialized = max(0, count)
        }
        if count < 0 { throw failure() }
        return chunk
    }

    private func open() throws {
        isOpen = true
        // The feed exists as long as the archive, which calls it only during our own calls.
        let context = unsafe Unmanaged.passUnretained(chunkReader).toOpaque()
        let result = unsafe archive_read_open(
            archive, context, nil,
            { _, context, block in
                guard let context = unsafe context else { return -1 }
                return unsafe Unmanaged<ChunkReader>.fromOpaque(context).takeUnretainedValue().next(block)
            }, nil)
        var entry: OpaquePointer?
        guard result == ARCHIVE_OK, unsafe archive_read_next_header(archive, &entry) == ARCHIVE_OK else {
            throw failure()
        }
    }

    private func failure() -> any Error {
        if let error = chunkReader.failure { return error }
        let text = unsafe archive_error_string(archive).map { unsafe String(cString: $0) } ?? "it cannot be read"
        return OCIError.malformedCompression(name, reason: text)
    }

    /// The input of libarchive: one chunk after the other, each in memory that is valid until the next.
    @safe private final class ChunkReader {
        private let source: any ByteSource
        private var block: UnsafeMutableRawBufferPointer?
        private(set) var failure: (any Error)?

        init(_ source: any ByteSource) { self.source = source }

        deinit { unsafe block?.deallocate() }

        func next(_ place: UnsafeMutablePointer<UnsafeRawPointer?>?) -> Int {
            do {
                let chunk = try source.next()
                unsafe block?.deallocate()
                let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, chunk.count), alignment: 1)
                unsafe copy.copyBytes(from: chunk)
                unsafe block = copy
                unsafe place?.pointee = UnsafeRawPointer(copy.baseAddress)
                return chunk.count
            } catch {
                failure = error
                return -1
            }
        }
    }
}

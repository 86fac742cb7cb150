internal import CArchive

/// Returns the content of a compressed source, decompressed as it is read.
///
/// Gzip of several members and zstd of several frames are one stream, as for every reader of layers.
func decompressing(_ source: any ByteSource, _ compression: Compression, name: String) throws(OCIError)
    -> any ByteSource
{
    switch compression {
    case .uncompressed: source
    case .gzip: GzipSource(source, name: name)
    case .zstd: try ZstdSource(source, name: name)
    }
}

private let outputSize = 256 << 10

/// A source that decompresses zstd frames (RFC 8878) through libzstd.
///
/// The window is limited to 128 MiB, libzstd's default.
@safe private final class ZstdSource: DecompressingSource {
    private let source: any ByteSource
    private let name: String
    private let context: OpaquePointer
    private var input: [UInt8] = []
    private var consumed = 0
    /// The compressed bytes before `input`.
    private var earlier: Int64 = 0
    private var isBetweenFrames = true
    private var hasMore = false

    var packedCount: Int64 { earlier + Int64(consumed) }

    init(_ source: any ByteSource, name: String) throws(OCIError) {
        guard let context = unsafe ZSTD_createDStream() else {
            throw .malformedCompression(name, reason: "zstd cannot be initialized")
        }
        self.source = source
        self.name = name
        unsafe self.context = context
    }

    deinit { _ = unsafe ZSTD_freeDStream(context) }

    func next() throws -> [UInt8] {
        while true {
            if consumed == input.count, !hasMore {
                earlier += Int64(consumed)
                input = try source.next()
                consumed = 0
                if input.isEmpty {
                    guard isBetweenFrames else {
                        throw OCIError.malformedCompression(name, reason: "the zstd stream is truncated")
                    }
                    return []
                }
            }
            let output = try decompressSome()
            if !output.isEmpty { return output }
        }
    }

    /// Decompresses some of the input.
    ///
    /// Both buffers outlive the call; libzstd copies the bytes that it needs later.
    private func decompressSome() throws -> [UInt8] {
        var result = 0
        let output = unsafe [UInt8](unsafeUninitializedCapacity: outputSize) { buffer, count in
            unsafe input.withUnsafeBytes { bytes in
                var from = unsafe ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: consumed)
                var to = unsafe ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
                result = unsafe ZSTD_decompressStream(context, &to, &from)
                consumed = unsafe from.pos
                count = unsafe to.pos
            }
        }
        guard ZSTD_isError(result) == 0 else {
            throw OCIError.malformedCompression(name, reason: "the zstd stream is corrupt")
        }
        isBetweenFrames = result == 0
        hasMore = output.count == outputSize
        return output
    }
}

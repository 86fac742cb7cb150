internal import Linux

/// A sink that hashes a tar that it passes on, and on request the content of files in it.
final class TarHasher: ByteSink {
    private let sink: any ByteSink
    private var whole = Digest.Hasher()
    private var part = Digest.Hasher()
    /// The bytes of the current file that are still to come.
    private var left: Int64 = 0
    /// The digest of the last file's content, once all of it was written.
    private(set) var contentDigest: Digest?

    init(_ sink: any ByteSink) { self.sink = sink }

    /// The digest of everything; it ends the computation.
    var digest: Digest { whole.finalize() }

    /// Hashes the next `size` bytes as the content of a file too.
    func startContent(size: Int64) {
        contentDigest = nil
        left = size
        part = Digest.Hasher()
        if size == 0 { contentDigest = part.finalize() }
    }

    func write(_ bytes: ArraySlice<UInt8>) throws {
        whole.update(bytes)
        let content = bytes.prefix(Int(min(left, Int64(bytes.count))))
        if !content.isEmpty {
            part.update(content)
            left -= Int64(content.count)
            if left == 0 { contentDigest = part.finalize() }
        }
        try sink.write(bytes)
    }
}

internal import Linux

/// A sink that hashes a tar that it passes on, and on request the content of files in it.
final class TarHasher: ByteSink {
    private let sink: any ByteSink
    /// Both digests in one pass; nil if this CPU can't.
    private var fast = PairedDigest()
    private var whole = Digest.Hasher()
    private var part = Digest.Hasher()
    /// The bytes of the current file that are still to come.
    private var left: Int64 = 0
    /// The digest of the last file's content, once all of it was written.
    private(set) var contentDigest: Digest?

    init(_ sink: any ByteSink) { self.sink = sink }

    /// The digest of everything so far.
    var digest: Digest { fast.flatMap { Digest(bytes: $0.bytes) } ?? whole.finalize() }

    /// Hashes the next `size` bytes as the content of a file too.
    func startContent(size: Int64) {
        contentDigest = nil
        left = size
        fast?.startPart()
        part = Digest.Hasher()
        if size == 0 { endContent() }
    }

    func write(_ bytes: ArraySlice<UInt8>) throws {
        let content = bytes.prefix(Int(min(left, Int64(bytes.count))))
        if !content.isEmpty {
            hash(content, isContent: true)
            left -= Int64(content.count)
            if left == 0 { endContent() }
        }
        if content.count < bytes.count { hash(bytes.dropFirst(content.count), isContent: false) }
        try sink.write(bytes)
    }

    private func endContent() {
        let bytes = fast?.endPart()
        contentDigest = bytes.flatMap { Digest(bytes: $0) } ?? part.finalize()
    }

    private func hash(_ bytes: ArraySlice<UInt8>, isContent: Bool) {
        if fast != nil {
            fast?.add(bytes)
            return
        }
        whole.update(bytes)
        if isContent { part.update(bytes) }
    }
}

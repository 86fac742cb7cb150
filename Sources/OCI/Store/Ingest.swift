internal import Linux
internal import SystemPackage

/// A new blob of a store: written and hashed in one pass, visible only when complete.
///
/// ```
/// thaw/ingest/PID.RANDOM  --write, hash-->  fsync  --rename-->  blobs/sha256/HEX  --fsync directory
/// ```
/// Each holds the store's lease. Collection waits for all leases, so every file that it finds in `thaw/ingest` was left
/// by a killed process.
public final class Ingest: ByteSink {
    private let root: Directory
    private let store: Store
    private let lease: Lock
    private let path: FilePath
    private let file: OwnedDescriptor
    /// Nil if the writer hashes the bytes itself.
    private var hasher: Digest.Hasher?
    private var isPlaced = false
    /// The number of bytes written.
    public private(set) var size: Int64 = 0

    init(into store: Store, isHashed: Bool = true) throws(SystemError) {
        hasher = isHashed ? Digest.Hasher() : nil
        root = store.root
        self.store = store
        lease = try store.lease()
        path = FilePath("thaw/ingest/\(UInt64.random(in: 0 ... .max))")
        file = try root.open(path, [.readWrite, .create, .exclusive], mode: 0o644)
    }

    deinit {
        // A file that cannot be removed now is left to the next collection.
        if !isPlaced { try? root.remove(path) }
    }

    public func write(_ bytes: ArraySlice<UInt8>) throws {
        hasher?.update(bytes)
        size += Int64(bytes.count)
        try unsafe file.write(bytes.span.bytes)
    }

    /// Makes the blob visible if it is the one of `descriptor`.
    ///
    /// - Throws: ``OCIError/blobSize(_:expected:found:)`` or ``OCIError/blobMismatch(_:found:)``; nothing is kept then.
    public func commit(expecting descriptor: Descriptor) throws {
        guard size == descriptor.size else {
            throw OCIError.blobSize(descriptor.digest, expected: descriptor.size, found: size)
        }
        let found = finalDigest(nil)
        guard found == descriptor.digest else { throw OCIError.blobMismatch(descriptor.digest, found: found) }
        _ = try commit(as: descriptor.mediaType)
    }

    /// Makes the blob visible under its digest, also in place of a truncated one.
    ///
    /// After a return without an error the store has the blob, whichever process wrote it first.
    ///
    /// - Parameter digest: The digest of all bytes, for a writer that hashes them itself.
    func commit(as mediaType: MediaType, digest: Digest? = nil) throws -> Descriptor {
        let blob = Descriptor(mediaType: mediaType, digest: finalDigest(digest), size: size)
        if try !store.has(blob) {
            try file.syncData()
            try root.rename(path, to: Store.path(of: blob.digest))
            isPlaced = true
            try root.directory("blobs/sha256").sync()
        }
        return blob
    }

    private func finalDigest(_ known: Digest?) -> Digest {
        guard let digest = known ?? hasher?.finalize() else { preconditionFailure("the writer must hash the bytes") }
        return digest
    }
}

/// A writer of a layer into a store: tar, diff ID, compression and digest in one pass, in constant memory.
///
/// ```
/// entries -> tar -+-> SHA-256 (diff ID)
///                 +-> compressed blocks, in parallel -+-> SHA-256 (digest)
///                                                     +-> file
/// plain:     tar ---> SHA-256 (diff ID and digest) -----> file
/// contents:  with ``hashesContents`` the SHA-256 of each file too, in the same pass
/// ```
public final class LayerWriter {
    private let tar: TarWriter
    private let tee: TarHasher
    private let compressor: any FinishingSink
    private let blob: Ingest
    private let form: LayerForm
    private let compression: Compression
    private let store: Store
    private let headers = HeaderIndexWriter()
    /// True to compute the digests of files' contents.
    public var hashesContents = false
    /// The digest of the last file's content, once it is complete.
    public var contentDigest: Digest? { tee.contentDigest }

    /// Starts a layer in `store`; `level` is gzip's 0 to 9 or zstd's 1 to 22.
    public convenience init(into store: Store, compression: Compression = .gzip, level: Int? = nil) throws {
        var form = LayerForm()
        (form.compression, form.level) = (compression, level)
        try self.init(into: store, form)
    }

    /// Starts a layer in `store` with the compression of `form`, by default gzip; a deferred one only notes it.
    public init(into store: Store, _ form: LayerForm) throws {
        self.form = form
        self.store = store
        compression = form.isDeferred ? .uncompressed : form.compression ?? .gzip
        // Of a plain layer the blob is the tar, which is hashed anyway.
        blob = try Ingest(into: store, isHashed: compression != .uncompressed)
        compressor = compressing(to: blob, compression, level: form.level)
        tee = TarHasher(compressor)
        tar = TarWriter(tee)
    }

    /// Starts an entry; the content of a regular file follows.
    ///
    /// - Throws: ``OCIError/whiteoutName(_:)`` for a file whose name every reader takes for a whiteout.
    public func add(_ entry: LayerEntry) throws {
        if entry.isMistakenForWhiteout { throw OCIError.whiteoutName(entry.path) }
        try headers.add(try tar.add(entry))
        if hashesContents { tee.startContent(size: entry.size) }
    }

    /// Adds to the current file's content.
    public func write(_ bytes: ArraySlice<UInt8>) throws { try tar.write(bytes) }

    /// The bytes of the current file's content that are still to be written.
    public var missing: Int64 { tar.missing }

    /// Copies a whole uncompressed layer unchanged, in place of entries.
    public func copy(tar source: any ByteSource) throws -> Layer {
        while true {
            let chunk = try source.next()
            if chunk.isEmpty { return try close() }
            try tee.write(chunk[...])
        }
    }

    /// Ends the layer; after the return it is in the store.
    public func finish() throws -> Layer {
        try tar.finish()
        let layer = try close()
        try store.remember(headers, of: layer.diffID)
        return layer
    }

    private func close() throws -> Layer {
        try compressor.finish()
        let diffID = tee.digest
        let digest = compression == .uncompressed ? diffID : nil
        let layer = Layer(descriptor: try blob.commit(as: .layer(compression), digest: digest), diffID: diffID)
        return form.isDeferred ? layer.deferring(form.compression ?? .gzip) : layer
    }
}

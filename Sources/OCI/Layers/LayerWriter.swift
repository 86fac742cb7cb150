/// A writer of a layer into a store: tar, diff ID, compression and digest in one pass, in constant memory.
///
/// ```
/// entries -> tar -+-> SHA-256 (diff ID)
///                 +-> compressed blocks, in parallel -+-> SHA-256 (digest)
///                                                     +-> file
/// plain:     tar ---> SHA-256 (diff ID and digest) -----> file
/// ```
public final class LayerWriter {
    private let tar: TarWriter
    private let sink: any ByteSink
    /// The tar's digest; nil for a plain layer, whose blob is the tar.
    private let tee: HashingSink?
    private let compressor: any FinishingSink
    private let blob: Ingest
    private let form: LayerForm
    private let compression: Compression
    private let store: Store
    private let headers = HeaderIndexWriter()

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
        blob = try store.ingest()
        compressor = compressing(to: blob, compression, level: form.level)
        tee = compression == .uncompressed ? nil : HashingSink(compressor)
        sink = tee ?? compressor
        tar = TarWriter(sink)
    }

    /// Starts an entry; the content of a regular file follows.
    ///
    /// - Throws: ``OCIError/whiteoutName(_:)`` for a file whose name every reader takes for a whiteout.
    public func add(_ entry: LayerEntry) throws {
        if entry.isMistakenForWhiteout { throw OCIError.whiteoutName(entry.path) }
        try headers.add(try tar.add(entry))
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
            try sink.write(chunk[...])
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
        let descriptor = try blob.commit(as: .layer(compression))
        let layer = Layer(descriptor: descriptor, diffID: tee?.hasher.finalize() ?? descriptor.digest)
        return form.isDeferred ? layer.deferring(form.compression ?? .gzip) : layer
    }
}

/// A sink that hashes the bytes that it passes on.
private final class HashingSink: ByteSink {
    private(set) var hasher = Digest.Hasher()
    private let sink: any ByteSink

    init(_ sink: any ByteSink) { self.sink = sink }

    func write(_ bytes: ArraySlice<UInt8>) throws {
        hasher.update(bytes)
        try sink.write(bytes)
    }
}

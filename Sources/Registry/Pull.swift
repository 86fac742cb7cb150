internal import HTTP
internal import Linux
public import OCI

extension RegistryClient {
    /// Copies an image into a store, several layers at once, each verified as it arrives; then sets its name.
    ///
    /// After a return the store has everything that the image needs. After an error all names in the store are as
    /// before.
    @discardableResult
    public func pull(
        _ reference: Reference, for platform: Platform = .host, into store: Store
    ) async throws -> Image {
        let manifest = try await manifest(reference)
        let remote = try repository(of: reference)
        let image = try await offload { session in
            let image = try Self.image(
                manifest, source: StoredBlobs(remote, store), platform: platform, reference: reference)
            try expectAccepted(reference, digests: [manifest.descriptor.digest, image.descriptor.digest], in: session)
            return image
        }
        try await take(ImageSet(image), from: reference, into: store, as: reference)
        return try await offload { _ in try store.image(image.descriptor, for: platform, name: reference.familiar) }
    }

    /// Copies an image, or an index with all its images, into a store and sets its name.
    @discardableResult
    public func pullAll(_ reference: Reference, into store: Store, as name: Reference) async throws -> ImageSet {
        let set = try await set(reference, keepingIn: store)
        return try await take(set, from: reference, into: store, as: name)
    }

    @discardableResult
    private func take(
        _ set: ImageSet, from reference: Reference, into store: Store, as name: Reference
    ) async throws -> ImageSet {
        let session = session(try Cancellation())
        let lease = try store.lease()
        let remote = try repository(reference, session, reading: true)
        let blobs = try await offload { _ in try set.blobs() }
        let isLarge = { (blob: Descriptor) in !blob.mediaType.isManifest && !blob.mediaType.isIndex }
        try await each(blobs.filter(isLarge), session: session) { try remote.fetch($0, into: store) }
        let stored = try await offload { _ in try store.publish(set, as: name) }
        try lease.release()
        return stored
    }
}

extension RemoteRepository {
    /// Puts a blob into a store; it is verified before it becomes visible there.
    ///
    /// Blocks.
    func fetch(_ blob: Descriptor, into store: Store) throws {
        if try store.has(blob) {
            session.report(.done(blob, .present))
            return
        }
        if blob.mediaType.isManifest || blob.mediaType.isIndex {
            return try store.put(open(blob), expecting: blob)
        }
        session.report(.began(blob))
        do {
            try store.put(
                CountingSource(try download(blob)) { session.report(.moved(blob, bytes: $0)) }, expecting: blob)
        } catch let error as OCIError {
            throw RegistryError.wrongContent("pull \(blob.digest) of \(name)", host: endpoint.registry, error)
        } catch let error as SystemError {
            throw RegistryError.notStored("pull \(blob.digest) of \(name)", error)
        }
        // An optional hint for pushes, which only saves time.
        try? store.remember(origin: name, of: blob.digest)
        session.report(.done(blob, .moved))
    }
}

/// Passes bytes on and reports their number.
private final class CountingSource: ByteSource {
    private let source: any ByteSource
    private let count: (Int) -> Void

    init(_ source: any ByteSource, _ count: @escaping (Int) -> Void) {
        self.source = source
        self.count = count
    }

    func next() throws -> [UInt8] {
        let chunk = try source.next()
        count(chunk.count)
        return chunk
    }
}

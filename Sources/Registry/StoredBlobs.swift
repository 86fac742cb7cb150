internal import OCI
internal import Synchronization

/// A repository's blobs, each stored in a store when it is first opened.
final class StoredBlobs: BlobSource {
    private let remote: RemoteRepository
    private let store: Store
    /// One lock for each blob, so that each is downloaded once.
    private let flights = Mutex<[Digest: BlobLock]>([:])

    private final class BlobLock: Sendable {
        let mutex = Mutex(())
    }

    init(_ remote: RemoteRepository, _ store: Store) {
        self.remote = remote
        self.store = store
    }

    func open(_ blob: Descriptor) throws -> any ByteSource {
        let flight = flights.withLock { flights in
            let flight = flights[blob.digest] ?? BlobLock()
            flights[blob.digest] = flight
            return flight
        }
        try flight.mutex.withLock { _ in if try !store.has(blob) { try remote.fetch(blob, into: store) } }
        return try store.open(blob)
    }
}

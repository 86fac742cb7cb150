internal import OCI
internal import Synchronization

/// A repository's blobs, each stored in a store when it is first opened.
final class StoredBlobs: BlobSource {
    private let remote: RemoteRepository
    private let store: Store
    /// One lock for each blob, so that each is downloaded once.
    private let gates = Mutex<[Digest: Gate]>([:])

    private final class Gate: Sendable {
        let mutex = Mutex(())
    }

    init(_ remote: RemoteRepository, _ store: Store) {
        self.remote = remote
        self.store = store
    }

    func open(_ blob: Descriptor) throws -> any ByteSource {
        let gate = gates.withLock { gates in
            let gate = gates[blob.digest] ?? Gate()
            gates[blob.digest] = gate
            return gate
        }
        try gate.mutex.withLock { _ in if try !store.has(blob) { try remote.fetch(blob, into: store) } }
        return try store.open(blob)
    }
}

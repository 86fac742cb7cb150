internal import Linux
public import OCI
public import Registry

/// The copy of an image between two places.
public struct CopyJob {
    let store: Store
    let client: RegistryClient
    private let host: any JobHost

    /// Makes a job; `store` also keeps what a place can't be read without copying.
    public init(in store: Store, client: RegistryClient, host: any JobHost) {
        self.store = store
        self.client = client
        self.host = host
    }

    /// Copies an image and returns its digest.
    ///
    /// Between registries, blobs that can be mounted do not pass through this machine. A pull into the store transfers
    /// several layers at once.
    ///
    /// - Parameters:
    ///   - name: The source in the user's command, for errors.
    ///   - platform: The platform of the only image to copy; nil for all.
    ///   - keepsDigest: True to refuse a place whose readers don't see the digest.
    public func copy(
        _ source: Transport, named name: String, to target: Transport, platform: Platform?, keepsDigest: Bool = false
    ) async throws -> Digest {
        if keepsDigest { try target.expectDigests() }
        switch (source, target) {
        case (.registry(let source), .registry(let target)):
            return try await client.copy(source, to: target, platform: platform).digest
        case (.registry(let source), .store(let name)) where platform == nil:
            return try await client.pullAll(source, into: store, as: name).descriptor.digest
        default: break
        }
        var set =
            if case .registry(let name) = source { try await client.set(name) } else {
                try await source.set(in: store, client: { client }, host: host)
            }
        if case .store = target {} else { set = try await Offload.run { [set, store] in try store.exported(set) } }
        if let platform { set = ImageSet(try set.image(for: platform, name: name)) }
        if case .registry(let name) = target {
            return try await client.push(set, to: name, hints: store).digest
        }
        let (chosen, store, host) = (set, store, host)
        return try await Offload.run {
            try target.write(chosen, store, host)
            return chosen.descriptor.digest
        }
    }
}

extension Transport {
    /// Expects a place that keeps the documents of an image byte for byte.
    fileprivate func expectDigests() throws {
        switch self {
        case .store, .layout, .ociArchive, .registry: return
        case .dockerArchive, .docker, .podman:
            throw Failure(
                "the destination cannot keep the digests: Docker's archives have no manifest",
                remedy: "copy to oci:, oci-archive: or docker://, or leave out --preserve-digests")
        }
    }
}

public import OCI
internal import Registry

/// The push of a build's result to registries.
enum OutputPush {
    /// Pushes `set`, which is completely in the store, to each name, by the settings of `output`.
    static func run(
        _ set: ImageSet, _ names: [Reference], _ output: Output, in store: Store, _ host: any JobHost
    ) async throws {
        let client = try host.registryClient(.auto) { if output.isInsecure { $0.isInsecure = true } }
        for name in names {
            let place = output.isPushedByDigest ? try name.pinned(to: set.descriptor.digest) : name
            try await client.push(set, to: place, hints: store)
            host.report("pushed \(try name.pinned(to: set.descriptor.digest).familiar)")
        }
    }
}

extension Reference {
    /// Returns a reference to the digest in the same repository.
    public func pinned(to digest: Digest) throws -> Reference { try Reference("\(host)/\(path)@\(digest)") }
}

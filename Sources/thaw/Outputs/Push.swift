import OCI
import Registry

/// The one place that sends a build's result to registries.
enum Push {
    /// Sends `set`, all of which is in the store, to each of `names`, of which there is one at least; what stands in the
    /// output counts.
    static func run(_ set: ImageSet, _ names: [Reference], _ output: Output, in store: Store) async throws {
        let client = try Registries.client { if output.isInsecure { $0.isInsecure = true } }
        for name in names {
            let place = output.isPushedByDigest ? try name.pinned(to: set.descriptor.digest) : name
            try await client.push(set, to: place, hints: store)
        }
    }
}

extension Reference {
    /// The same repository, and that digest in place of a tag.
    func pinned(to digest: Digest) throws -> Reference { try Reference("\(host)/\(path)@\(digest)") }
}

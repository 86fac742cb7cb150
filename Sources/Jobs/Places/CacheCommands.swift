public import Build
internal import Linux
public import OCI
internal import SystemPackage

// The work of `thaw cache` on the caches of RUN --mount=type=cache.

extension CacheMounts {
    /// Returns the caches of an id, which differ in their owners or initial contents; there is at least one.
    private func entries(named id: String) throws -> [Entry] {
        let entries = try entries().filter { $0.id == id }
        guard !entries.isEmpty else {
            throw Failure("there is no cache '\(id)' in the store", remedy: "'thaw cache ls' lists the caches")
        }
        return entries
    }

    /// Stores the cache of an id as an image under a name; of several the one without an owner.
    public func export(_ id: String, as name: Reference, to store: Store) throws -> Digest {
        let lease = try store.lease()
        let entries = try entries(named: id)
        let image = try image(of: entries.first { $0.owner.isEmpty } ?? entries[0])
        let digest = try store.publish(image, as: name).digest
        try lease.release()
        return digest
    }

    /// Removes the caches of some ids, or all; one that a build uses is a failure.
    public func remove(_ ids: [String], all: Bool, of store: Store) throws {
        guard let lock = try Lock.attempt(store.path.appending("thaw/lock"), .exclusive) else {
            throw Failure("the store is in use by a build")
        }
        for entry in all ? try entries() : try ids.flatMap(entries(named:)) where try !remove(entry) {
            throw Failure("the cache '\(entry.id)' is in use by a build")
        }
        try lock.release()
    }

    /// Formats caches for people, one in each line.
    public static func text(_ entries: [Entry]) -> String {
        let width = entries.map(\.id.count).max() ?? 0
        return entries.map { entry in
            let id = entry.id.visibleLine + String(repeating: " ", count: width - entry.id.count)
            let seed = entry.seed.isEmpty ? "" : "  from \(entry.seed.visibleLine)"
            let owner = entry.owner.isEmpty ? "" : "  owner \(entry.owner)"
            return "\(id)  \(ByteCount(entry.size))  used \(RFC3339.text(entry.lastUsed))\(seed)\(owner)\n"
        }.joined()
    }
}

internal import Linux
internal import SystemPackage

// Other repositories that have a blob, so that a push can let the registry mount it instead of sending it again. It is
// a hint: one small file for each blob, a repository a line, the newest first, never synced.

extension Store {
    private static let limit = 8

    /// Returns the repositories (`HOST/PATH`) that are known to have the blob, the newest first.
    public func origins(of digest: Digest) -> [String] {
        guard let bytes = try? root.contents(of: Self.originsPath(of: digest), limit: 64 << 10) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Stores that `repository` (`HOST/PATH`) has the blob.
    public func remember(origin repository: String, of digest: Digest) throws {
        let known = origins(of: digest)
        if known.first == repository { return }
        let list = ([repository] + known.filter { $0 != repository }).prefix(Self.limit)
        try root.makeDirectories("thaw/origins")
        let temporary = FilePath("thaw/ingest/\(UInt64.random(in: 0 ... .max))")
        let file = try root.open(temporary, [.write, .create, .exclusive], mode: 0o644)
        try file.write(Array(list.joined(separator: "\n").utf8))
        try root.rename(temporary, to: Self.originsPath(of: digest))
    }

    /// Removes the entries of blobs that no longer exist.
    func forgetOrigins() throws {
        guard try root.exists("thaw/origins") else { return }
        let blobs = Set(try root.directory("blobs/sha256").entries().map(\.name))
        let origins = try root.directory("thaw/origins")
        for entry in try origins.entries() where !blobs.contains(entry.name) { try origins.remove(entry: entry.name) }
    }

    private static func originsPath(of digest: Digest) -> FilePath { FilePath("thaw/origins/\(digest.hex)") }
}

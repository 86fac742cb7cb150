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
        for entry in try root.directory("thaw/origins").entries() {
            let hex = String(decoding: entry.name, as: UTF8.self)
            if let digest = try? Digest("sha256:\(hex)"), try root.exists(Self.path(of: digest)) { continue }
            try root.remove(FilePath("thaw/origins").appending(FilePath(bytes: entry.name).components))
        }
    }

    private static func originsPath(of digest: Digest) -> FilePath { FilePath("thaw/origins/\(digest.hex)") }
}

internal import Linux
internal import SystemPackage

// Where blobs are besides here, so that a push can ask the registry to link a blob in place of taking it again. A hint:
// one small file a blob, a repository a line, the newest first, never synced.

extension Store {
    private static let limit = 8

    /// The repositories (`HOST/PATH`) that are known to hold the blob, the newest first.
    public func origins(of digest: Digest) -> [String] {
        guard let bytes = try? root.contents(of: Self.originsPath(of: digest), limit: 64 << 10) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Remembers that `repository` (`HOST/PATH`) holds the blob.
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

    /// Forgets blobs that are gone.
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

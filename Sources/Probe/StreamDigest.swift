/// A stream digest: the first bytes of a stream, its size, and the digest of all of it.
struct StreamDigest {
    /// The first bytes, at most ``ProbeEvent/prefixLimit``.
    private(set) var prefix: [UInt8] = []
    /// The number of all bytes.
    private(set) var byteCount: UInt64 = 0
    private var hasher = SHA256()

    /// The SHA-256 of all bytes.
    var digest: [UInt8] { hasher.finished() }

    /// Adds bytes.
    mutating func receive(_ bytes: ArraySlice<UInt8>) {
        prefix += bytes.prefix(ProbeEvent.prefixLimit - prefix.count)
        byteCount &+= UInt64(bytes.count)
        hasher.update(bytes)
    }
}

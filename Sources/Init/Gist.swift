/// What is remembered of a stream of bytes: how it begins, how long it is, and the digest of all of it.
struct Gist {
    /// The first bytes, at most as many as the host wants.
    private(set) var beginning: [UInt8] = []
    /// How many bytes there were.
    private(set) var byteCount: UInt64 = 0
    private var hasher = SHA256()

    /// The SHA-256 of all bytes.
    var digest: [UInt8] { hasher.finished() }

    /// Adds bytes.
    mutating func receive(_ bytes: ArraySlice<UInt8>) {
        beginning += bytes.prefix(Told.beginningLimit - beginning.count)
        byteCount &+= UInt64(bytes.count)
        hasher.update(bytes)
    }
}

/// A stream of bytes, of which only the beginning and the digest of the whole are stored.
public struct StreamDigest: Equatable, Sendable {
    /// The maximum number of bytes that are stored: enough to show where two responses differ.
    public static let prefixLimit = 65_536

    /// The first bytes.
    public var prefix: [UInt8]
    /// The number of all bytes.
    public var byteCount: UInt64
    /// The SHA-256 of all bytes, 32 bytes; empty if it is unknown.
    public var digest: [UInt8]

    /// A stream; at first nothing is known.
    public init(prefix: [UInt8] = [], byteCount: UInt64 = 0, digest: [UInt8] = []) {
        self.prefix = prefix
        self.byteCount = byteCount
        self.digest = digest
    }

    /// True if there are no bytes.
    public var isEmpty: Bool { byteCount == 0 }
    /// True if the beginning is the whole stream.
    public var isWhole: Bool { UInt64(prefix.count) == byteCount }
}

/// Computes the digest of a stream as its bytes arrive, in bounded memory.
public struct StreamHasher {
    /// The first bytes, at most ``StreamDigest/prefixLimit``.
    public private(set) var prefix: [UInt8] = []
    /// The number of bytes so far.
    public private(set) var byteCount: UInt64 = 0
    private var hasher = SHA256()

    /// A hasher at the start of a stream.
    public init() {}

    /// The digest of all bytes so far.
    public var stream: StreamDigest { StreamDigest(prefix: prefix, byteCount: byteCount, digest: hasher.finished()) }

    /// Adds bytes.
    public mutating func receive(_ bytes: ArraySlice<UInt8>) {
        prefix += bytes.prefix(StreamDigest.prefixLimit - prefix.count)
        byteCount &+= UInt64(bytes.count)
        hasher.update(bytes)
    }
}

// Which network a container sees.

/// Which network a container sees.
public enum Network: Sendable, Hashable {
    /// The host's.
    case host
    /// One of its own that holds nothing but loopback, which is up.
    case none
}

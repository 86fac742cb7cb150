public import OCI

/// What happens while images move, for whoever shows it.
public enum TransferEvent: Sendable {
    /// A blob begins to move.
    case began(Descriptor)
    /// That many more bytes of it were moved.
    case moved(Descriptor, bytes: Int)
    /// It is where it should be.
    case done(Descriptor, Outcome)
    /// Something failed that is tried again after a while.
    case retrying(reason: String, after: Duration)

    /// How a blob came to be where it should be.
    public enum Outcome: String, Sendable {
        /// Its bytes were moved.
        case moved
        /// It was there.
        case present
        /// The registry linked it from another repository.
        case mounted
    }
}

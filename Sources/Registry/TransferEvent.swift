public import OCI

/// An event of a transfer, for progress output.
public enum TransferEvent: Sendable {
    /// The transfer of a blob begins.
    case began(Descriptor)
    /// That many more bytes were transferred.
    case moved(Descriptor, bytes: Int)
    /// The target has the blob.
    case done(Descriptor, BlobOrigin)
    /// A request failed and is retried after a delay.
    case retrying(reason: String, after: Duration)

    /// The way in which the target got a blob.
    public enum BlobOrigin: String, Sendable {
        /// Its bytes were transferred.
        case moved
        /// The target had it.
        case present
        /// The registry mounted it from another repository.
        case mounted
    }
}

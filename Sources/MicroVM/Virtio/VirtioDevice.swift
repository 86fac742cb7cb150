// The interface between a device of the machine and its transport.

/// A virtio device: its features and queues, and the handling of requests.
///
/// Its ``VirtioTransport`` makes all of these calls: on several threads, but never two at the same time. After `reset`
/// none of them comes before another `activate`. A device keeps no request between two calls.
protocol VirtioDevice: AnyObject {
    /// The device type as in the specification.
    var deviceID: UInt32 { get }
    /// Features beyond those of the transport.
    var features: UInt64 { get }
    /// The maximum size of each queue, a power of two.
    var queueSizes: [UInt16] { get }
    /// The configuration space; it never changes, and is read-only for the guest.
    var configuration: [UInt8] { get }

    /// Starts the device: its driver is ready. The port is valid until ``reset()``.
    func activate(_ context: VirtioContext)
    /// Handles the requests of a queue that the guest has notified.
    func process(queue: Int) throws(QueueFault)
    /// Discards all state of the guest; may be called without ``activate(_:)`` before it.
    func reset()

    /// The device's state for a snapshot, beyond the queues.
    func save() -> [UInt8]
    /// Restores such a state, before ``activate(_:)``.
    func restore(_ state: [UInt8]) throws(MachineError)
}

/// Features that the transport negotiates for every device (virtio 1.2, 6).
enum VirtioFeature {
    static let indirectDescriptors: UInt64 = 1 << 28
    static let eventIndex: UInt64 = 1 << 29
    static let version1: UInt64 = 1 << 32
    static let offeredByTransport = indirectDescriptors | eventIndex | version1
}

// What a device of the machine is, behind its transport.

/// A virtio device: what it offers, and what it does with requests.
///
/// Its ``VirtioTransport`` calls all of this, on several threads but never at the same time, and never after `reset`
/// without another `activate`. A device keeps no request between two calls.
protocol VirtioDevice: AnyObject {
    /// The device type of the specification.
    var deviceID: UInt32 { get }
    /// Features beyond those of the transport.
    var features: UInt64 { get }
    /// The largest size of each queue, a power of two.
    var queueSizes: [UInt16] { get }
    /// The configuration space; it never changes, and the guest may only read it.
    var configuration: [UInt8] { get }

    /// The driver is ready: what the port gives is there until ``reset()``.
    func activate(_ port: VirtioPort)
    /// Looks at a queue, since the guest said that there is something.
    func process(queue: Int) throws(QueueFault)
    /// Forgets everything about its guest; not only after ``activate(_:)``.
    func reset()

    /// What a snapshot has to hold beyond the queues.
    func save() -> [UInt8]
    /// Takes over such state, before ``activate(_:)``.
    func restore(_ state: [UInt8]) throws(MachineError)
}

/// Features that the transport agrees upon for every device.
enum VirtioFeature {
    static let indirect: UInt64 = 1 << 28
    static let eventIndex: UInt64 = 1 << 29
    static let version1: UInt64 = 1 << 32
    static let ofTransport = indirect | eventIndex | version1
}

/// What a device has while its driver is ready: its queues, and descriptors of the host that it watches.
///
/// To be used only where the transport has called the device. Interrupts are the transport's: it looks once, after
/// each call, whether a guest wants one.
final class VirtioPort {
    typealias Handler = (Interest) throws(QueueFault) -> Void

    private struct Watch {
        let serial: UInt64
        let handler: Handler
        var interest: Interest
    }

    let queues: [Virtqueue]
    private let loop: EventLoop
    private weak let transport: VirtioTransport?
    private var watches: [Int32: Watch] = [:]
    private var nextSerial: UInt64 = 0
    private var isSuspended: Bool

    init(_ queues: [Virtqueue], _ loop: EventLoop, _ transport: VirtioTransport, isSuspended: Bool) {
        self.queues = queues
        self.loop = loop
        self.transport = transport
        self.isSuspended = isSuspended
    }

    /// Looks at a queue once more, after everything that is due before.
    func again(_ queue: Int) {
        transport?.ring(queue)
    }

    /// Calls `handler` whenever something happens to a descriptor that nobody watches yet.
    func watch(_ descriptor: Int32, _ interest: Interest, _ handler: @escaping Handler) throws(MachineError) {
        let serial = nextSerial
        nextSerial += 1
        try loop.add(descriptor, isSuspended ? [] : interest) { [weak transport] what in
            transport?.happened(to: descriptor, serial, what)
        }
        watches[descriptor] = Watch(serial: serial, handler: handler, interest: interest)
    }

    /// Waits for something else.
    func change(_ descriptor: Int32, _ interest: Interest) {
        guard let watch = watches[descriptor], watch.interest != interest else { return }
        watches[descriptor]?.interest = interest
        if !isSuspended { loop.change(descriptor, interest) }
    }

    /// Forgets a descriptor, before it is closed.
    func unwatch(_ descriptor: Int32) {
        if watches.removeValue(forKey: descriptor) != nil { loop.remove(descriptor) }
    }

    // MARK: For the transport

    /// Calls the handler of a descriptor, if it is still the one that the loop meant.
    func handle(_ descriptor: Int32, _ serial: UInt64, _ what: Interest) throws(QueueFault) {
        guard let watch = watches[descriptor], watch.serial == serial else { return }
        try watch.handler(what)
    }

    /// Watches nothing for a while, or again what it did.
    func suspend(_ isSuspended: Bool) {
        self.isSuspended = isSuspended
        for (descriptor, watch) in watches { loop.change(descriptor, isSuspended ? [] : watch.interest) }
    }

    /// Forgets all descriptors.
    func close() {
        for descriptor in watches.keys { loop.remove(descriptor) }
        watches = [:]
    }
}

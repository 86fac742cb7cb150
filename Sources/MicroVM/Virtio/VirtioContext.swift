/// The resources of a device while its driver is ready: its queues, and descriptors of the host that it watches.
///
/// It may be used only inside the transport's calls to the device. Interrupts are the transport's task: after each call
/// it checks once if a guest needs one.
final class VirtioContext {
    typealias Handler = (Interest) throws(QueueFault) -> Void

    private struct QueueWatch {
        let serial: UInt64
        let handler: Handler
        var interest: Interest
    }

    let queues: [Virtqueue]
    private let loop: EventLoop
    private weak let transport: VirtioTransport?
    private var watches: [Int32: QueueWatch] = [:]
    private var nextSerial: UInt64 = 0
    private var isSuspended: Bool

    init(queues: [Virtqueue], loop: EventLoop, transport: VirtioTransport, isSuspended: Bool) {
        self.queues = queues
        self.loop = loop
        self.transport = transport
        self.isSuspended = isSuspended
    }

    /// Handles a queue once more, after all events that are due before.
    func again(_ queue: Int) {
        transport?.ring(queue)
    }

    /// Calls `handler` at every event of a descriptor that is not watched yet.
    func watch(_ descriptor: Int32, for interest: Interest, _ handler: @escaping Handler) throws(MachineError) {
        let serial = nextSerial
        nextSerial += 1
        try loop.add(descriptor, for: isSuspended ? [] : interest) { [weak transport] what in
            transport?.handleEvent(to: descriptor, serial, what)
        }
        watches[descriptor] = QueueWatch(serial: serial, handler: handler, interest: interest)
    }

    /// Changes the events of a descriptor.
    func change(_ descriptor: Int32, _ interest: Interest) {
        guard let watch = watches[descriptor], watch.interest != interest else { return }
        watches[descriptor]?.interest = interest
        if !isSuspended { loop.change(descriptor, interest) }
    }

    /// Stops watching a descriptor; call it before the descriptor is closed.
    func unwatch(_ descriptor: Int32) {
        if watches.removeValue(forKey: descriptor) != nil { loop.remove(descriptor) }
    }

    // MARK: For the transport

    /// Calls the handler of a descriptor, if the event was for this watch and not for an older one.
    func handle(_ descriptor: Int32, serial: UInt64, _ what: Interest) throws(QueueFault) {
        guard let watch = watches[descriptor], watch.serial == serial else { return }
        try watch.handler(what)
    }

    /// Suspends all watches, or resumes them.
    func suspend(_ isSuspended: Bool) {
        self.isSuspended = isSuspended
        for (descriptor, watch) in watches { loop.change(descriptor, isSuspended ? [] : watch.interest) }
    }

    /// Stops watching all descriptors.
    func close() {
        for descriptor in watches.keys { loop.remove(descriptor) }
        watches = [:]
    }
}

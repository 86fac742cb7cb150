// A virtio-mmio window: one device of the machine, as its processors see it.

internal import CKVM
internal import Linux
internal import Synchronization

/// One virtio-mmio window of 4 KiB.
///
/// ``read(offset:into:)`` and ``write(offset:_:)`` come from the processors' threads, work on queues runs on the event
/// loop's; one lock per device keeps them apart. What the guest reads is a page, behind no lock. A guest that breaks
/// the rules of a queue stops its device, which then says so until it is reset.
final class VirtioTransport: @unchecked Sendable {
    // Sendable because everything that changes is used under `lock`, or is atomic.

    static let byteCount = UInt64(VirtioWindow.byteCount)
    /// Where a guest writes the number of a queue.
    static let notificationOffset: UInt64 = 0x50
    /// Where a guest writes why it was interrupted.
    static let acknowledgementOffset: UInt64 = 0x64

    let device: any VirtioDevice
    private let memory: GuestMemory
    private let loop: EventLoop
    private let configuration: [UInt8]
    private let bells: [Bell]
    private let interruptBell: Bell
    private let swallow: Bell
    let window: VirtioWindow
    private let lock = Mutex(())

    private var registers: VirtioRegisters
    private var port: VirtioPort?
    private var isPaused = false
    private var isRestored = false
    private var lastFault: QueueFault?

    /// A window for a device, with event counters of its own that `loop` waits for.
    ///
    /// - Parameter index: which of `pages` is this device's.
    init(
        device: any VirtioDevice, memory: GuestMemory, loop: EventLoop, pages: WindowPages = WindowPages(count: 1),
        index: Int = 0
    ) throws(MachineError) {
        self.device = device
        self.memory = memory
        self.loop = loop
        configuration = device.configuration
        registers = VirtioRegisters(
            deviceID: device.deviceID, offered: device.features | VirtioFeature.ofTransport, maxima: device.queueSizes)
        window = VirtioWindow(registers, pages, index: index)
        interruptBell = try Bell()
        swallow = try Bell()
        var bells: [Bell] = []
        for _ in device.queueSizes { bells.append(try Bell()) }
        self.bells = bells
        for (queue, bell) in bells.enumerated() {
            try loop.add(bell.number, .read) { [weak self] _ in self?.answer(queue) }
        }
    }

    deinit {
        port?.close()
        for bell in bells { loop.remove(bell.number) }
    }

    /// One event counter per queue, for `KVM_IOEVENTFD` at offset 0x50 with the queue as the datum.
    var notifications: [(queue: UInt16, descriptor: Int32)] {
        bells.enumerated().map { (UInt16($0.offset), $0.element.number) }
    }

    /// The event counter for `KVM_IRQFD`, as of an edge.
    var interrupt: Int32 { interruptBell.number }

    /// An event counter that nobody reads, for `KVM_IOEVENTFD` at ``acknowledgementOffset`` with any datum.
    ///
    /// A guest that acknowledges there reads at every later interrupt that there may be used buffers, which is as good
    /// an answer, and needs no exit to say so.
    var acknowledgement: Int32 { swallow.number }

    /// Why the device stopped last, if it did.
    var fault: QueueFault? { lock.withLock { _ in lastFault } }

    // MARK: Registers

    /// Answers a processor's load of 1, 2, 4 or 8 bytes.
    func read(offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) {
        unsafe window.read(offset, into: buffer)
    }

    /// Carries out a processor's store.
    func write(offset: UInt64, _ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 4, offset.isMultiple(of: 4), offset < VirtioWindow.configurationStart else { return }
        let value = unsafe UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))
        switch offset {
        case VirtioTransport.notificationOffset: ring(Int(value & 0xFFFF))
        case VirtioTransport.acknowledgementOffset: window.removeInterruptReasons(value)
        default:
            lock.withLock { _ in
                carryOut(registers.write(offset, value))
                window.update(registers, configuration)
            }
        }
    }

    private func carryOut(_ effect: VirtioRegisters.Effect) {
        switch effect {
        case .nothing: break
        case .activate: activate()
        case .giveUp: stop()
        case .reset:
            stop()
            registers.reset()
            window.interruptReasons = 0
        }
    }

    // MARK: Running

    /// Has the event loop look at a queue.
    func ring(_ queue: Int) {
        if queue < bells.count { bells[queue].ring() }
    }

    private func activate() {
        do throws(QueueFault) { try start(indices: nil) } catch { return fail(error) }
        // There may have been requests before the driver was ready, and the guest need not say so twice.
        bells.indices.forEach(ring)
    }

    private func start(indices: [UInt16]?) throws(QueueFault) {
        let agreement = Virtqueue.Agreement(
            hasEventIndex: registers.accepted & VirtioFeature.eventIndex != 0,
            hasIndirect: registers.accepted & VirtioFeature.indirect != 0)
        var queues: [Virtqueue] = []
        for (number, queue) in registers.queues.enumerated() {
            guard queue.isReady,
                let ring = Virtqueue(
                    queue.place, maximum: queue.maximum, memory: memory, agreement, index: indices?[number] ?? 0)
            else { throw .ring(queue: number) }
            queues.append(ring)
        }
        let port = VirtioPort(queues, loop, self, isSuspended: isPaused)
        self.port = port
        device.activate(port)
    }

    private func stop() {
        device.reset()
        port?.close()
        port = nil
    }

    private func fail(_ fault: QueueFault) {
        stop()
        lastFault = fault
        registers.status.insert(.needsReset)
        window.update(registers, configuration)
        tell(2)
    }

    private func answer(_ queue: Int) {
        lock.withLock { _ in
            guard !isPaused else { return }
            bells[queue].clear()
            attempt { _ throws(QueueFault) in try device.process(queue: queue) }
        }
    }

    /// Something happened to a descriptor that the device watches.
    func happened(to descriptor: Int32, _ serial: UInt64, _ what: Interest) {
        lock.withLock { _ in
            guard !isPaused else { return }
            attempt { port throws(QueueFault) in try port.handle(descriptor, serial, what) }
        }
    }

    private func attempt(_ work: (VirtioPort) throws(QueueFault) -> Void) {
        guard let port else { return }
        do throws(QueueFault) { try work(port) } catch { return fail(error) }
        var isWanted = false
        for queue in port.queues where queue.takeInterrupt() { isWanted = true }
        if isWanted { tell(1) }
    }

    private func tell(_ reason: UInt32) {
        window.addInterruptReasons(reason)
        interruptBell.ring()
    }

    // MARK: Snapshots

    /// Once this returns the device does nothing until ``resume()``; what the guest and the host ask for waits.
    func pause() {
        lock.withLock { _ in
            isPaused = true
            for bell in bells { loop.change(bell.number, []) }
            port?.suspend(true)
        }
    }

    /// Goes on.
    func resume() {
        lock.withLock { _ in
            isPaused = false
            port?.suspend(false)
            for bell in bells { loop.change(bell.number, .read) }
            guard isRestored else { return }
            isRestored = false
            // What was on its way in another process never arrived there: both sides look once more.
            bells.indices.forEach(ring)
            if window.interruptReasons != 0 { interruptBell.ring() }
        }
    }

    /// The device's whole state; between ``pause()`` and ``resume()``, as is the guest's memory that it belongs to.
    func save() -> [UInt8] {
        lock.withLock { _ in
            var writer = StateWriter()
            writer.put(window.interruptReasons)
            registers.save(to: &writer)
            for number in bells.indices { writer.put(port?.queues[number].index ?? 0) }
            writer.put(device.save())
            return writer.bytes
        }
    }

    /// Takes over a state, over the same memory, and is paused until ``resume()``.
    ///
    /// - Throws: ``MachineError/brokenSnapshot(_:)``, and then the device is as after power-on.
    func restore(_ bytes: [UInt8]) throws(MachineError) {
        let failure: MachineError? = lock.withLock { _ in
            for bell in bells { loop.change(bell.number, []) }
            stop()
            (isPaused, isRestored) = (true, true)
            defer { window.update(registers, configuration) }
            do throws(MachineError) {
                try takeOver(bytes)
                return nil
            } catch {
                stop()
                registers.reset()
                window.interruptReasons = 0
                return error
            }
        }
        if let failure { throw failure }
    }

    private func takeOver(_ bytes: [UInt8]) throws(MachineError) {
        var reader = StateReader(bytes)
        let interrupt: UInt32 = try reader.number()
        try registers.restore(from: &reader)
        var indices: [UInt16] = []
        for _ in bells { indices.append(try reader.number()) }
        try device.restore(reader.string(limit: 1 << 20))
        try reader.end()
        window.interruptReasons = interrupt & 3
        guard registers.status == VirtioRegisters.steps[4] else { return }
        do throws(QueueFault) { try start(indices: indices) } catch { throw .brokenSnapshot(error.description) }
    }
}

/// An event counter of the kernel.
private final class Bell {
    private let descriptor: OwnedDescriptor

    init() throws(MachineError) {
        descriptor = try OwnedDescriptor(made: ckvm_eventfd(), "make an event counter")
    }

    var number: Int32 { descriptor.rawValue }

    func ring() { ckvm_eventfd_signal(descriptor.rawValue) }

    func clear() { ckvm_eventfd_clear(descriptor.rawValue) }
}

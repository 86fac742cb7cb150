// A virtio-mmio window: one device of the machine, as its processors access it.

internal import CKVM
internal import Linux
internal import Synchronization

/// One virtio-mmio window of 4 KiB.
///
/// ``read(offset:into:)`` and ``write(offset:_:)`` are called on the processors' threads, queues are handled on the
/// event loop's thread. One lock per device protects them. The guest reads from a page without a lock. A guest that
/// breaks the rules of a queue stops its device, whose status then has DEVICE_NEEDS_RESET until a reset.
final class VirtioTransport: @unchecked Sendable {
    // Sendable because all mutable state is used under `lock`, or is atomic.

    static let byteCount = UInt64(VirtioWindow.byteCount)

    let device: any VirtioDevice
    private let memory: GuestMemory
    private let loop: EventLoop
    private let configuration: [UInt8]
    private let queueEvents: [EventFD]
    private let interruptEvent: EventFD
    private let acknowledgementEvent: EventFD
    let window: VirtioWindow
    private let lock = Mutex(())

    private var registers: VirtioRegisters
    private var context: VirtioContext?
    private var isPaused = false
    private var isRestored = false
    private var lastFault: QueueFault?

    /// A window for a device, with event counters of its own that `loop` waits for.
    ///
    /// - Parameter index: the index of this device in `pages`.
    init(
        device: any VirtioDevice, memory: GuestMemory, loop: EventLoop, pages: WindowPages = WindowPages(count: 1),
        index: Int = 0
    ) throws(MachineError) {
        self.device = device
        self.memory = memory
        self.loop = loop
        configuration = device.configuration
        registers = VirtioRegisters(
            deviceID: device.deviceID, deviceFeatures: device.features | VirtioFeature.offeredByTransport,
            maxima: device.queueSizes)
        window = VirtioWindow(registers, pages, index: index)
        interruptEvent = try EventFD()
        acknowledgementEvent = try EventFD()
        var queueEvents: [EventFD] = []
        for _ in device.queueSizes { queueEvents.append(try EventFD()) }
        self.queueEvents = queueEvents
        for (queue, event) in queueEvents.enumerated() {
            try loop.add(event.number, for: .read) { [weak self] _ in self?.processQueue(queue) }
        }
    }

    deinit {
        context?.close()
        for event in queueEvents { loop.remove(event.number) }
    }

    /// One event counter per queue, for `KVM_IOEVENTFD` at ``VirtioMMIO/queueNotify`` with the queue as the datum.
    var notifications: [(queue: UInt16, descriptor: Int32)] {
        queueEvents.enumerated().map { (UInt16($0.offset), $0.element.number) }
    }

    /// The event counter for `KVM_IRQFD`, edge-triggered.
    var interrupt: Int32 { interruptEvent.number }

    /// An event counter that is never read, for `KVM_IOEVENTFD` at ``VirtioMMIO/interruptACK`` with any datum.
    ///
    /// A guest's acknowledgement then needs no exit, and the reasons stay set. At every later interrupt the guest reads
    /// that there may be used buffers, which is as good an answer.
    var acknowledgement: Int32 { acknowledgementEvent.number }

    /// The device's last fault; `nil` if there was none.
    var fault: QueueFault? { lock.withLock { _ in lastFault } }

    // MARK: Registers

    /// Handles a processor's load of 1, 2, 4 or 8 bytes.
    func read(offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) {
        unsafe window.read(offset, into: buffer)
    }

    /// Handles a processor's store.
    func write(offset: UInt64, _ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 4, offset.isMultiple(of: 4), offset < VirtioWindow.configurationStart else { return }
        let value = unsafe UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))
        switch offset {
        case VirtioMMIO.queueNotify: ring(Int(value & 0xFFFF))
        case VirtioMMIO.interruptACK: window.removeInterruptReasons(value)
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
        case .fail: stop()
        case .reset:
            stop()
            registers.reset()
            window.interruptReasons = 0
        }
    }

    // MARK: Running

    /// Schedules a queue on the event loop.
    func ring(_ queue: Int) {
        if queue < queueEvents.count { queueEvents[queue].ring() }
    }

    private func activate() {
        do throws(QueueFault) { try start(indices: nil) } catch { return fail(error) }
        // Requests may have arrived before the driver was ready, and the guest need not notify them twice.
        queueEvents.indices.forEach(ring)
    }

    private func start(indices: [UInt16]?) throws(QueueFault) {
        let features = Virtqueue.NegotiatedFeatures(
            hasEventIndex: registers.driverFeatures & VirtioFeature.eventIndex != 0,
            hasIndirect: registers.driverFeatures & VirtioFeature.indirectDescriptors != 0)
        var queues: [Virtqueue] = []
        for (number, queue) in registers.queues.enumerated() {
            guard queue.isReady,
                let ring = Virtqueue(
                    queue.layout, maximum: queue.maximum, memory: memory, features, index: indices?[number] ?? 0)
            else { throw .ring(queue: number) }
            queues.append(ring)
        }
        let context = VirtioContext(queues: queues, loop: loop, transport: self, isSuspended: isPaused)
        self.context = context
        device.activate(context)
    }

    private func stop() {
        device.reset()
        context?.close()
        context = nil
    }

    private func fail(_ fault: QueueFault) {
        stop()
        lastFault = fault
        registers.status.insert(.needsReset)
        window.update(registers, configuration)
        raiseInterrupt(VirtioMMIO.Interrupt.configurationChange)
    }

    private func processQueue(_ queue: Int) {
        lock.withLock { _ in
            guard !isPaused else { return }
            queueEvents[queue].clear()
            runOnDevice { _ throws(QueueFault) in try device.process(queue: queue) }
        }
    }

    /// Handles an event of a descriptor that the device watches.
    func handleEvent(to descriptor: Int32, _ serial: UInt64, _ what: Interest) {
        lock.withLock { _ in
            guard !isPaused else { return }
            runOnDevice { context throws(QueueFault) in try context.handle(descriptor, serial: serial, what) }
        }
    }

    private func runOnDevice(_ work: (VirtioContext) throws(QueueFault) -> Void) {
        guard let context else { return }
        do throws(QueueFault) { try work(context) } catch { return fail(error) }
        var isWanted = false
        for queue in context.queues where queue.takeInterrupt() { isWanted = true }
        if isWanted { raiseInterrupt(VirtioMMIO.Interrupt.usedBuffer) }
    }

    private func raiseInterrupt(_ reason: UInt32) {
        window.addInterruptReasons(reason)
        interruptEvent.ring()
    }

    // MARK: Snapshots

    /// Stops the device until ``resume()``; requests of the guest and the host wait.
    func pause() {
        lock.withLock { _ in
            isPaused = true
            for event in queueEvents { loop.change(event.number, []) }
            context?.suspend(true)
        }
    }

    /// Continues after ``pause()``.
    func resume() {
        lock.withLock { _ in
            isPaused = false
            context?.suspend(false)
            for event in queueEvents { loop.change(event.number, .read) }
            guard isRestored else { return }
            isRestored = false
            // Notifications in flight were lost with the other process: check all queues, and interrupt again.
            queueEvents.indices.forEach(ring)
            if window.interruptReasons != 0 { interruptEvent.ring() }
        }
    }

    /// The device's whole state; valid between ``pause()`` and ``resume()``, together with the guest's memory.
    func save() -> [UInt8] {
        lock.withLock { _ in
            var writer = StateWriter()
            writer.put(window.interruptReasons)
            registers.save(to: &writer)
            for number in queueEvents.indices { writer.put(context?.queues[number].index ?? 0) }
            writer.put(device.save())
            return writer.bytes
        }
    }

    /// Restores a state over the same memory, paused until ``resume()``.
    ///
    /// - Throws: ``MachineError/brokenSnapshot(_:)``; the device is then as after power-on.
    func restore(_ bytes: [UInt8]) throws(MachineError) {
        let failure: MachineError? = lock.withLock { _ in
            for event in queueEvents { loop.change(event.number, []) }
            stop()
            (isPaused, isRestored) = (true, true)
            defer { window.update(registers, configuration) }
            do throws(MachineError) {
                try applyState(bytes)
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

    private func applyState(_ bytes: [UInt8]) throws(MachineError) {
        var reader = StateReader(bytes)
        let interrupt: UInt32 = try reader.number()
        try registers.restore(from: &reader)
        var indices: [UInt16] = []
        for _ in queueEvents { indices.append(try reader.number()) }
        try device.restore(reader.string(limit: 1 << 20))
        try reader.end()
        window.interruptReasons =
            interrupt & (VirtioMMIO.Interrupt.usedBuffer | VirtioMMIO.Interrupt.configurationChange)
        guard registers.status == VirtioRegisters.initializationSteps[4] else { return }
        do throws(QueueFault) { try start(indices: indices) } catch { throw .brokenSnapshot(error.description) }
    }
}

/// An event counter of the kernel (`eventfd`).
private final class EventFD {
    private let descriptor: OwnedDescriptor

    init() throws(MachineError) {
        descriptor = try OwnedDescriptor(made: ckvm_eventfd(), "make an event counter")
    }

    var number: Int32 { descriptor.rawValue }

    func ring() { ckvm_eventfd_signal(descriptor.rawValue) }

    func clear() { ckvm_eventfd_clear(descriptor.rawValue) }
}

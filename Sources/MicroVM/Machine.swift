// A machine: memory, processors, devices, and the paths between them.
//
// ```
//   guest ──write──► ioeventfd ──► EventLoop ──► device ──► irqfd ──► guest          requests: no exit to user space
//   guest ──access─► KVM exit ──► Processors ──► AddressSpace ──► registers of a device, doorbell, reset
// ```

internal import Linux
public import SystemPackage

/// A virtual machine that boots one kernel.
///
/// It has one thread for each processor, and one thread for all devices. They are confined before the guest's first
/// instruction and end with the machine.
public final class Machine: Sendable {
    /// The reason why a machine ended.
    public enum StopReason: Sendable, Equatable {
        /// The guest reset itself.
        case reset
        /// The doorbell's owner reached its goal.
        case finished
        /// A call of ``Machine/stop()``.
        case stopped
        /// The deadline passed.
        case timedOut
        /// The guest, or KVM, cannot continue.
        case failed(String)
    }

    /// The result of ``Machine/run(until:)``.
    public enum RunOutcome: Sendable, Equatable {
        /// All processors are stopped, and continue with the next call.
        case paused
        /// The machine has ended.
        case ended(StopReason)
    }

    /// A remark about the kernel for the user; `nil` if there is none.
    public let kernelRemark: String?
    private let vcpuStateLayout: ProcessorStateLayout
    private let virtual: VirtualMachine
    private let memory: GuestMemory
    private let memoryBytes: UInt64
    private let devices: [AttachedDevice]
    private let space: AddressSpace
    private let processors: Processors
    private let loop: EventLoop
    private let generation: VMGenerationID

    /// Makes a machine at its kernel's first instruction; ``run(until:)`` starts it.
    ///
    /// - Parameter doorbell: receives the guest's message and the time, in nanoseconds of `CLOCK_MONOTONIC`. It runs on
    ///   a thread of the machine, one call at a time.
    public convenience init(
        _ configuration: MachineConfiguration,
        doorbell: @escaping @Sendable (_ message: [UInt8], _ nanoseconds: UInt64) -> DoorbellResponse
    ) throws(MachineError) {
        try GuestMemory.expectRoom(for: configuration.memoryBytes)
        let kernel = try configuration.openKernel()
        let ram = try GuestMemory.ram(byteCount: configuration.memoryBytes) + [GuestMemory.fresh(.mailbox)]
        try self.init(
            configuration, kvm: configuration.openKVM(), ram: ram, kernelRemark: kernel.remark, doorbell: doorbell)
        try boot(kernel, configuration)
    }

    /// Makes a machine that continues from a snapshot with the next ``run(until:)``.
    ///
    /// - Parameters:
    ///   - configuration: the disks and sockets. Memory size and processors come from the snapshot; no kernel is read.
    ///   - reply: the content of the guest's mailbox. The guest was paused in the middle of ringing the doorbell.
    public convenience init(
        restoring snapshot: borrowing SnapshotFile, _ configuration: MachineConfiguration, reply: [UInt8],
        doorbell: @escaping @Sendable (_ message: [UInt8], _ nanoseconds: UInt64) -> DoorbellResponse
    ) throws(MachineError) {
        var configuration = configuration
        configuration.processors = snapshot.processors
        configuration.memoryBytes = snapshot.memoryBytes
        try self.init(
            configuration, kvm: configuration.openKVM(), ram: snapshot.map(), kernelRemark: nil, doorbell: doorbell)
        try restore(snapshot.state)
        space.reply(reply)
    }

    /// Makes all parts and connects them.
    private init(
        _ configuration: MachineConfiguration, kvm: consuming KVM, ram: consuming [GuestMemory.Region],
        kernelRemark: String?, doorbell: @escaping @Sendable ([UInt8], UInt64) -> DoorbellResponse
    ) throws(MachineError) {
        try configuration.validate()
        if configuration.rootInterface == .memory {
            do throws(MachineError) {
                if let root = try configuration.openRoot() {
                    ram.append(try GuestMemory.file(root, at: configuration.persistentStart))
                }
            } catch {
                // `GuestMemory` owns the regions that it adopts, and frees them here.
                _ = GuestMemory(adopting: ram)
                throw error
            }
        }
        memory = GuestMemory(adopting: ram)
        vcpuStateLayout = try ProcessorStateLayout(kvm)
        memoryBytes = configuration.memoryBytes
        self.kernelRemark = kernelRemark
        loop = try EventLoop()
        let windows: WindowPages
        (devices, windows) = try AttachedDevice.all(of: configuration, memory, loop)
        virtual = try VirtualMachine(kvm, memory: memory, windows: windows)
        for device in devices { try virtual.connect(device) }
        space = try AddressSpace(devices, doorbell: DoorbellDevice(handler: doorbell), memory: memory)
        try virtual.connect(interrupt: Serial.interrupt, to: space.serialInterrupt.rawValue)
        generation = try VMGenerationID(virtual)
        processors = Processors(try virtual.makeProcessors(configuration.processors, kvm))
    }

    /// Loads the kernel into memory and points the first processor at it.
    private func boot(_ kernel: KernelImage, _ configuration: MachineConfiguration) throws(MachineError) {
        let plan = BootPlan(
            kernel: kernel, initramfs: configuration.initramfs,
            commandLine: configuration.commandLine.joined(separator: " "),
            memoryBytes: configuration.memoryBytes, processors: configuration.processors,
            devices: devices.map(\.place), persistentMemory: persistentMemory,
            generation: BootPlan.GenerationID(
                identifier: VMGenerationID.identifier(), interrupt: VMGenerationID.interrupt))
        let entry = try plan.place(in: memory)
        try processors.all[0].enter(entry)
    }

    /// The disk that is mapped as memory.
    private var persistentMemory: [PersistentMemory] {
        memory.regions.filter(\.isReadOnly).map { PersistentMemory(start: $0.start, byteCount: $0.byteCount) }
    }

    /// Runs the guest until it ends or is paused.
    ///
    /// - Parameter deadline: nanoseconds of `CLOCK_MONOTONIC`, after which the machine is ended.
    public func run(until deadline: UInt64) -> RunOutcome {
        let space = space
        if processors.start({ exit in space.answer(exit) }) { serveDevices() }
        for device in devices { device.transport.resume() }
        guard let ending = processors.wait(until: deadline) else {
            for device in devices { device.transport.pause() }
            return .paused
        }
        loop.stop()
        return .ended(ending)
    }

    /// Starts the thread of all devices, confined.
    private func serveDevices() {
        let (processors, loop) = (processors, loop)
        let isStarted = WorkerThread.startIfPossible {
            do throws(MachineError) { try Jail.devices.enter() } catch {
                return processors.stop(.failed(error.description))
            }
            loop.run()
        }
        if !isStarted { processors.stop(.failed("cannot start the device thread: the thread limit is reached")) }
    }

    /// The time of the guest's first instruction, in nanoseconds of `CLOCK_MONOTONIC`; 0 before it.
    public var enteredAt: UInt64 { processors.enteredAt }

    /// Ends the machine, from any thread.
    public func stop() {
        processors.stop(.stopped)
        loop.stop()
    }

    /// Saves a paused machine, wholly or not at all; the machine can run on afterwards.
    ///
    /// - Parameter identity: bytes for the reader of the snapshot; at most 4 KiB.
    public func save(to path: FilePath, identity: [UInt8]) throws(MachineError) {
        try SnapshotFile.write(try state(identity), memory, to: path)
    }

    /// Saves a paused machine to a file that is empty.
    func save(to file: borrowing OwnedDescriptor, identity: [UInt8]) throws(MachineError) {
        try SnapshotFile.write(try state(identity), memory, to: file)
    }

    private func state(_ identity: [UInt8]) throws(MachineError) -> MachineState {
        let states = try processors.all.map { processor throws(MachineError) in
            try ProcessorState(of: processor, vcpuStateLayout)
        }
        return try MachineState(
            identity: identity, memoryBytes: memoryBytes, virtual, states,
            devices: devices.map { $0.transport.save() }, serial: space.serialState)
    }

    private func restore(_ state: MachineState) throws(MachineError) {
        guard state.devices.count == devices.count else {
            throw .brokenSnapshot("it has \(state.devices.count) devices, this machine has \(devices.count)")
        }
        for (number, saved) in state.processors.enumerated() {
            try saved.restore(to: processors.all[number], isFirst: number == 0, vcpuStateLayout)
        }
        try state.restore(to: virtual)
        space.serialState = state.serial
        // After the interrupt controllers, because the guest is notified through them.
        try generation.change(in: memory)
        for (device, saved) in zip(devices, state.devices) { try device.transport.restore(saved) }
    }

    /// Writes a reply into the guest's mailbox before a paused machine continues.
    public func reply(_ bytes: [UInt8]) { space.reply(bytes) }

    /// The guest's output on its serial port; only the end of it if it was long.
    public var console: [UInt8] { space.console }

    /// Anonymous memory of this process beyond the guest's, in bytes; `nil` if the kernel doesn't report it.
    ///
    /// Reading it takes milliseconds.
    public var overheadBytes: UInt64? { MemoryOverhead.bytes(beyond: memory) }

    /// The guest's reads from its disk so far; `nil` if the disk is memory or there is none.
    public var diskReads: DiskReads? {
        devices.lazy.compactMap { $0.transport.device as? BlockDevice }.first?.diskReads
    }

    /// The number of exits to user space so far.
    public var exitCount: UInt64 { processors.exitCount }
}

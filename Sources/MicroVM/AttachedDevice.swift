internal import Glibc
internal import Guest
internal import Linux
internal import SystemPackage

/// A device with its address and interrupt.
struct AttachedDevice: Sendable {
    let transport: VirtioTransport
    let place: MMIODevice

    /// Makes the devices of a configuration, in the order in which the guest finds them.
    static func all(
        of configuration: MachineConfiguration, _ memory: GuestMemory, _ loop: EventLoop
    ) throws(MachineError) -> ([AttachedDevice], WindowPages) {
        var devices: [any VirtioDevice] = []
        if configuration.rootInterface == .block, let root = try configuration.openRoot() {
            devices.append(try rootDisk(root))
        }
        devices.append(EntropyDevice())
        if let device = try configuration.makeVsock() { devices.append(device) }
        if let socket = configuration.network { devices.append(try networkCard(socket)) }
        let pages = WindowPages(count: devices.count)
        var attached: [AttachedDevice] = []
        for (index, device) in devices.enumerated() {
            let transport = try VirtioTransport(
                device: device, memory: memory, loop: loop, pages: pages, index: index)
            attached.append(AttachedDevice(transport: transport, place: MMIODevice(slot: attached.count)))
        }
        return (attached, pages)
    }
}

extension AttachedDevice {
    /// Makes the read-only disk of the image.
    private static func rootDisk(_ file: consuming OwnedDescriptor) throws(MachineError) -> BlockDevice {
        let size = try fileSize(file)
        return try BlockDevice(file, byteCount: size, isReadOnly: true, name: "root", blockByteCount: 4096)
    }

    private static func networkCard(_ socket: Int32) throws(MachineError) -> NetworkDevice {
        let own = fcntl(socket, F_DUPFD_CLOEXEC, 0)
        return try NetworkDevice(
            socket: OwnedDescriptor(made: own, "duplicate a socket"), mac: MachineConfiguration.cardAddress)
    }
}

extension VirtualMachine {
    /// Connects a device's notifications and interrupts, so that they need no exits.
    func connect(_ device: AttachedDevice) throws(MachineError) {
        let (transport, address) = (device.transport, device.place.address)
        for (queue, descriptor) in transport.notifications {
            try connect(write: UInt32(queue), at: address + VirtioMMIO.queueNotify, to: descriptor)
        }
        try connect(write: nil, at: address + VirtioMMIO.interruptACK, to: transport.acknowledgement)
        try connect(interrupt: device.place.interrupt, to: device.transport.interrupt)
    }

    /// Makes all processors, in their initial state.
    func makeProcessors(_ count: Int, _ kvm: borrowing KVM) throws(MachineError) -> [Processor] {
        let supported = try kvm.supportedCPUID()
        let hasDeadlineTimer = kvm.hasDeadlineTimer
        var processors: [Processor] = []
        for identifier in 0..<UInt32(count) {
            let processor = try Processor(
                machine: descriptor, identifier: identifier, runByteCount: kvm.runByteCount)
            try processor.reset(
                CPUIDLeaves(
                    supported: supported, identifier: identifier, count: UInt32(count),
                    hasDeadlineTimer: hasDeadlineTimer))
            processors.append(processor)
        }
        return processors
    }
}

extension MachineConfiguration {
    /// Fails for a configuration that no machine supports.
    func validate() throws(MachineError) {
        guard (1...MachineConfiguration.processorLimit).contains(processors) else {
            throw .impossible("a machine must have 1 to \(MachineConfiguration.processorLimit) processors")
        }
    }
}

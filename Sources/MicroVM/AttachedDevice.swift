internal import Glibc
internal import Guest
internal import Linux
internal import SystemPackage

/// A device in its place.
struct AttachedDevice: Sendable {
    let transport: VirtioTransport
    let place: MMIODevice

    /// The devices that a configuration asks for, in the order in which the guest finds them.
    static func all(
        of configuration: MachineConfiguration, _ memory: GuestMemory, _ loop: EventLoop
    ) throws(MachineError) -> ([AttachedDevice], WindowPages) {
        var devices: [any VirtioDevice] = []
        if configuration.rootAttachment == .block, let root = try configuration.openRoot() {
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
    /// The image, which nobody writes to.
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
    /// Lets requests and interrupts of a device pass without exits.
    func connect(_ device: AttachedDevice) throws(MachineError) {
        let (transport, address) = (device.transport, device.place.address)
        for (queue, descriptor) in transport.notifications {
            try connect(write: UInt32(queue), at: address + VirtioTransport.notificationOffset, to: descriptor)
        }
        try connect(
            write: nil, at: address + VirtioTransport.acknowledgementOffset, to: transport.acknowledgement)
        try connect(interrupt: device.place.interrupt, to: device.transport.interrupt)
    }

    /// All processors in their first state.
    func makeProcessors(_ count: Int, _ kvm: borrowing KVM) throws(MachineError) -> [Processor] {
        let supported = try kvm.supportedLeaves()
        let hasDeadlineTimer = kvm.hasDeadlineTimer
        var processors: [Processor] = []
        for identifier in 0..<UInt32(count) {
            let processor = try Processor(
                machine: descriptor, identifier: identifier, runByteCount: kvm.runByteCount)
            try processor.reset(
                Leaves(
                    supported: supported, identifier: identifier, count: UInt32(count),
                    hasDeadlineTimer: hasDeadlineTimer))
            processors.append(processor)
        }
        return processors
    }
}

extension MachineConfiguration {
    /// Refuses what no machine can be.
    func validate() throws(MachineError) {
        guard (1...MachineConfiguration.processorLimit).contains(processors) else {
            throw .impossible("a machine has from 1 to \(MachineConfiguration.processorLimit) processors")
        }
    }
}

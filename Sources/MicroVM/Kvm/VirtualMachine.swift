internal import CKVM
internal import Glibc
internal import Linux
internal import SystemPackage

/// A machine in the kernel: memory slots, interrupt controllers, and events without exits.
struct VirtualMachine: ~Copyable {
    /// The address of three pages for the kernel's state; below 4 GiB and outside guest memory (Intel only).
    private static let tssAddress: UInt = 0xFFFB_D000

    let descriptor: OwnedDescriptor

    /// Makes a machine without processors.
    ///
    /// Memory comes first. Each registration on a bus of the machine, as of the interrupt controllers, starts a grace
    /// period of RCU (Linux 6.18). Each later change of memory waits for its end, 5 to 7 ms.
    ///
    /// - Parameters:
    ///   - memory: all its regions are visible to the guest, as slots from 0 on.
    ///   - windows: the devices' windows, read-only for the guest; a write there is still an exit. Their address must
    ///     stay valid as long as the machine exists.
    init(_ kvm: borrowing KVM, memory: GuestMemory, windows: WindowPages? = nil) throws(MachineError) {
        let made = try kvm.makeMachine()
        let regions = memory.regions + (windows.map { [VirtualMachine.region(of: $0)] } ?? [])
        for (slot, region) in regions.enumerated() { try VirtualMachine.show(region, slot: slot, made.rawValue) }
        try MicroVM.kvm("KVM_SET_TSS_ADDR") {
            ckvm_ioctl_number(made.rawValue, ckvm_set_tss_address, VirtualMachine.tssAddress)
        }
        // Before the processors: their local APICs are created with them.
        try MicroVM.kvm("KVM_CREATE_IRQCHIP") { ckvm_ioctl_number(made.rawValue, ckvm_create_irqchip, 0) }
        descriptor = made
    }

    private static func region(of windows: WindowPages) -> GuestMemory.Region {
        let byteCount = UInt64(windows.count) * VirtioTransport.byteCount
        return unsafe GuestMemory.Region(
            start: MMIODevice(slot: 0).address, byteCount: byteCount, base: windows.base, isReadOnly: true)
    }

    private static func show(_ region: GuestMemory.Region, slot: Int, _ machine: Int32) throws(MachineError) {
        var wanted = kvm_userspace_memory_region()
        wanted.slot = UInt32(slot)
        wanted.flags = region.isReadOnly ? UInt32(KVM_MEM_READONLY) : 0
        wanted.guest_phys_addr = region.start
        wanted.memory_size = region.byteCount
        wanted.userspace_addr = unsafe UInt64(UInt(bitPattern: region.base))
        try exchange("KVM_SET_USER_MEMORY_REGION", on: machine, request: ckvm_set_memory, &wanted)
    }

    /// Makes a write to `event` raise the interrupt `line` in the guest.
    func connect(interrupt line: UInt32, to event: Int32) throws(MachineError) {
        var wanted = kvm_irqfd()
        wanted.fd = UInt32(event)
        wanted.gsi = line
        try set("KVM_IRQFD", ckvm_irqfd, to: wanted)
    }

    /// Makes the guest's 32-bit write at `address` a write to `event`, without an exit.
    ///
    /// - Parameter value: the only value that matches; `nil` matches any.
    func connect(write value: UInt32?, at address: UInt64, to event: Int32) throws(MachineError) {
        var wanted = kvm_ioeventfd()
        wanted.addr = address
        wanted.len = 4
        wanted.fd = event
        if let value {
            wanted.datamatch = UInt64(value)
            wanted.flags = 1 << UInt32(kvm_ioeventfd_flag_nr_datamatch)
        }
        try set("KVM_IOEVENTFD", ckvm_ioeventfd, to: wanted)
    }

    /// Reads one structure of the machine's state; if there are several, the content of `state` selects one.
    func get<State>(_ call: String, _ request: UInt, into state: inout State) throws(MachineError) {
        try exchange(call, on: descriptor.rawValue, request: request, &state)
    }

    /// Writes one structure of the machine's state.
    func set<State>(_ call: String, _ request: UInt, to state: State) throws(MachineError) {
        var copy = state
        try exchange(call, on: descriptor.rawValue, request: request, &copy)
    }
}

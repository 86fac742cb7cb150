internal import CKVM
internal import Glibc
internal import Linux
internal import SystemPackage

/// A machine as the kernel knows it: memory slots, interrupt controllers, and events that need no exit.
struct VirtualMachine: ~Copyable {
    /// What the kernel keeps three pages of state at; below the 4 GiB line and nobody's memory (Intel only).
    private static let taskState: UInt = 0xFFFB_D000

    let descriptor: OwnedDescriptor

    /// A machine without processors.
    ///
    /// Memory comes first: what registers on a bus of the machine, as the interrupt controllers do, leaves a grace period
    /// of RCU behind (Linux 6.18), and each change of memory then waits for its end, 5 to 7 ms.
    ///
    /// - Parameters:
    ///   - memory: all its regions are shown to the guest, as slots from 0 on.
    ///   - windows: the devices' windows, which the guest may only read; what it writes there is an exit as before. They
    ///     stay where they are as long as the machine lives.
    init(_ kvm: borrowing KVM, memory: GuestMemory, windows: WindowPages? = nil) throws(MachineError) {
        let made = try kvm.makeMachine()
        let regions = memory.regions + (windows.map { [VirtualMachine.region(of: $0)] } ?? [])
        for (slot, region) in regions.enumerated() { try VirtualMachine.show(region, slot: slot, made.rawValue) }
        try MicroVM.kvm("KVM_SET_TSS_ADDR") {
            ckvm_ioctl_number(made.rawValue, ckvm_set_tss_address, VirtualMachine.taskState)
        }
        // Before the processors: their local controllers are made with them.
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
        try exchange("KVM_SET_USER_MEMORY_REGION", machine, ckvm_set_memory, &wanted)
    }

    /// A write to `event` raises the interrupt `line` in the guest.
    func connect(interrupt line: UInt32, to event: Int32) throws(MachineError) {
        var wanted = kvm_irqfd()
        wanted.fd = UInt32(event)
        wanted.gsi = line
        try set("KVM_IRQFD", ckvm_irqfd, wanted)
    }

    /// The guest's 32-bit write at `address` is a write to `event`, and no exit.
    ///
    /// - Parameter value: only a write of this; any, where it is `nil`.
    func connect(write value: UInt32?, at address: UInt64, to event: Int32) throws(MachineError) {
        var wanted = kvm_ioeventfd()
        wanted.addr = address
        wanted.len = 4
        wanted.fd = event
        if let value {
            wanted.datamatch = UInt64(value)
            wanted.flags = 1 << UInt32(kvm_ioeventfd_flag_nr_datamatch)
        }
        try set("KVM_IOEVENTFD", ckvm_ioeventfd, wanted)
    }

    /// Reads one structure of the machine's state; what `state` holds says which, where there are several.
    func get<State>(_ call: String, _ request: UInt, into state: inout State) throws(MachineError) {
        try exchange(call, descriptor.rawValue, request, &state)
    }

    /// Writes one structure of the machine's state.
    func set<State>(_ call: String, _ request: UInt, _ state: State) throws(MachineError) {
        var copy = state
        try exchange(call, descriptor.rawValue, request, &copy)
    }
}

internal import CKVM
internal import Glibc
internal import Linux
internal import SystemPackage

/// A machine as the kernel knows it: memory slots, interrupt controllers, and events that need no exit.
struct VirtualMachine: ~Copyable {
    /// What the kernel keeps three pages of state at; below the 4 GiB line and nobody's memory (Intel only).
    private static let taskState: UInt = 0xFFFB_D000

    let descriptor: OwnedDescriptor

    /// A machine with interrupt controllers, without memory and processors.
    init(_ kvm: borrowing KVM) throws(MachineError) {
        let made = try kvm.makeMachine()
        try VirtualMachine.prepare(made.rawValue)
        descriptor = made
    }

    private static func prepare(_ number: Int32) throws(MachineError) {
        try MicroVM.kvm("KVM_SET_TSS_ADDR") { ckvm_ioctl_number(number, ckvm_set_tss_address, taskState) }
        // Before the processors: their local controllers are made with them.
        try MicroVM.kvm("KVM_CREATE_IRQCHIP") { ckvm_ioctl_number(number, ckvm_create_irqchip, 0) }
    }

    /// Shows all regions of `memory` to the guest, as slots from 0 on.
    func show(_ memory: GuestMemory) throws(MachineError) {
        for (slot, region) in memory.regions.enumerated() { try show(region, slot: slot) }
    }

    /// Shows the devices' windows, which the guest may only read, as the slot `slot`; what it writes there is an exit as
    /// before. They stay where they are as long as the machine lives.
    func show(_ pages: WindowPages, at address: UInt64, slot: Int) throws(MachineError) {
        let byteCount = UInt64(pages.count) * VirtioTransport.byteCount
        let region = unsafe GuestMemory.Region(
            start: address, byteCount: byteCount, base: pages.base, isReadOnly: true)
        try show(region, slot: slot)
    }

    private func show(_ region: GuestMemory.Region, slot: Int) throws(MachineError) {
        var wanted = kvm_userspace_memory_region()
        wanted.slot = UInt32(slot)
        wanted.flags = region.isReadOnly ? UInt32(KVM_MEM_READONLY) : 0
        wanted.guest_phys_addr = region.start
        wanted.memory_size = region.byteCount
        wanted.userspace_addr = unsafe UInt64(UInt(bitPattern: region.base))
        try set("KVM_SET_USER_MEMORY_REGION", ckvm_set_memory, wanted)
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

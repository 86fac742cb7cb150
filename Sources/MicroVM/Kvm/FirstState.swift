// The state of a processor before its first instruction.

internal import CKVM

extension Processor {
    private static let initialMSRs: [(index: UInt32, value: UInt64)] = [
        // SYSENTER, SYSCALL and the counter, all zero; fast string operations; memory is write-back by default.
        (0x174, 0), (0x175, 0), (0x176, 0), (0xC000_0081, 0), (0xC000_0083, 0), (0xC000_0102, 0), (0xC000_0084, 0),
        (0xC000_0082, 0), (0x10, 0), (0x1A0, 1), (0x2FF, 0x806),
    ]

    /// Puts the processor into the state after firmware, without an entry point.
    func reset(_ leaves: CPUIDLeaves) throws(MachineError) {
        try setCPUID(leaves.entries)
        try setMSRs(
            Processor.initialMSRs.map { entry in
                var register = kvm_msr_entry()
                register.index = entry.index
                register.data = entry.value
                return register
            })
        var fpu = kvm_fpu()
        fpu.fcw = 0x37F
        fpu.mxcsr = 0x1F80
        try set("KVM_SET_FPU", ckvm_set_fpu, fpu)
        try wireLocalInterrupts()
    }

    /// Sets local interrupt 0 to ExtINT and 1 to NMI, as firmware leaves them.
    private func wireLocalInterrupts() throws(MachineError) {
        var controller = kvm_lapic_state()
        try get("KVM_GET_LAPIC", ckvm_get_lapic, into: &controller)
        unsafe withUnsafeMutableBytes(of: &controller) { bytes in
            for (offset, mode) in [(0x350, UInt32(7)), (0x360, 4)] {
                let old = unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
                unsafe bytes.storeBytes(of: (old & ~0x700) | mode << 8, toByteOffset: offset, as: UInt32.self)
            }
        }
        try set("KVM_SET_LAPIC", ckvm_set_lapic, controller)
    }
}

extension Processor {
    /// Points the first processor at the kernel; the others wait until the guest starts them.
    func enter(_ entry: EntryState) throws(MachineError) {
        var special = kvm_sregs()
        try get("KVM_GET_SREGS", ckvm_get_special_registers, into: &special)
        special.cs = kvm_segment(entry.code)
        let data = kvm_segment(entry.data)
        (special.ds, special.es, special.fs, special.gs, special.ss) = (data, data, data, data, data)
        special.tr = kvm_segment(entry.task)
        (special.gdt.base, special.gdt.limit) = (entry.gdt.base, entry.gdt.limit)
        (special.idt.base, special.idt.limit) = (entry.idt.base, entry.idt.limit)
        (special.cr0, special.cr3, special.cr4, special.efer) = (entry.cr0, entry.cr3, entry.cr4, entry.efer)
        try set("KVM_SET_SREGS", ckvm_set_special_registers, special)
        var registers = kvm_regs()
        registers.rip = entry.rip
        registers.rsp = entry.rsp
        registers.rbx = entry.rbx
        registers.rsi = entry.rsi
        registers.rflags = entry.rflags
        try set("KVM_SET_REGS", ckvm_set_registers, registers)
    }
}

extension kvm_segment {
    fileprivate init(_ segment: EntryState.Segment) {
        self.init()
        base = segment.base
        limit = segment.limit
        selector = segment.selector
        type = segment.type
        present = segment.present
        dpl = segment.dpl
        db = segment.db
        s = segment.s
        l = segment.l
        g = segment.g
        unusable = 0
    }
}

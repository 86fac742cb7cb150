// The state of a processor before its first instruction.

internal import CKVM

extension Processor {
    private typealias MSR = ModelSpecificRegister

    private static let initialMSRs: [(index: UInt32, value: UInt64)] = [
        (MSR.sysenterCS, 0), (MSR.sysenterESP, 0), (MSR.sysenterEIP, 0), (MSR.star, 0), (MSR.cstar, 0),
        (MSR.kernelGSBase, 0), (MSR.fmask, 0), (MSR.lstar, 0), (MSR.timeStampCounter, 0),
        (MSR.miscEnable, MSR.fastStringsEnable), (MSR.mtrrDefType, MSR.mtrrEnable | MSR.writeBack),
    ]
    /// The x87 control word after FNINIT and the value of MXCSR after a reset (SDM volume 3A, state after reset).
    private static let initialFCW: UInt16 = 0x37F
    private static let initialMXCSR: UInt32 = 0x1F80

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
        fpu.fcw = Processor.initialFCW
        fpu.mxcsr = Processor.initialMXCSR
        try set("KVM_SET_FPU", ckvm_set_fpu, to: fpu)
        try wireLocalInterrupts()
    }

    /// Sets local interrupt 0 to ExtINT and 1 to NMI, as firmware leaves them.
    private func wireLocalInterrupts() throws(MachineError) {
        var controller = kvm_lapic_state()
        try get("KVM_GET_LAPIC", ckvm_get_lapic, into: &controller)
        unsafe withUnsafeMutableBytes(of: &controller) { bytes in
            for (offset, mode) in [
                (LocalAPICRegister.lvtLINT0, LocalAPICRegister.deliveryModeExtINT),
                (LocalAPICRegister.lvtLINT1, LocalAPICRegister.deliveryModeNMI),
            ] {
                let old = unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
                let new = (old & ~LocalAPICRegister.deliveryModeMask) | mode
                unsafe bytes.storeBytes(of: new, toByteOffset: offset, as: UInt32.self)
            }
        }
        try set("KVM_SET_LAPIC", ckvm_set_lapic, to: controller)
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
        try set("KVM_SET_SREGS", ckvm_set_special_registers, to: special)
        var registers = kvm_regs()
        registers.rip = entry.rip
        registers.rsp = entry.rsp
        registers.rbx = entry.rbx
        registers.rsi = entry.rsi
        registers.rflags = entry.rflags
        try set("KVM_SET_REGS", ckvm_set_registers, to: registers)
    }
}

extension kvm_segment {
    fileprivate init(_ segment: EntryState.SegmentRegister) {
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

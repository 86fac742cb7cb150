// Registers of the first processor at a kernel's first instruction, in the terms of KVM_SET_REGS and KVM_SET_SREGS.

/// The initial registers of the first processor.
struct EntryState: Hashable, Sendable {
    /// A segment register with its hidden part; the fields are those of `struct kvm_segment`.
    struct SegmentRegister: Hashable, Sendable {
        /// The size of a descriptor in bytes; a selector is the descriptor's offset in its table.
        static let descriptorByteCount = 8

        let selector: UInt16
        let base: UInt64
        let limit: UInt32
        let type: UInt8
        let present: UInt8
        let dpl: UInt8
        let db: UInt8
        let s: UInt8
        let l: UInt8
        let g: UInt8

        /// Decodes a descriptor like a processor, so that table and registers can't differ (SDM, volume 3A, 3.4.5).
        init(_ descriptor: UInt64, selector: UInt16) {
            func bits(_ low: UInt64, _ count: UInt64) -> UInt64 { descriptor >> low & (1 << count - 1) }
            self.selector = selector
            base = bits(16, 24) | bits(56, 8) << 24
            let units = UInt32(bits(0, 16) | bits(48, 4) << 16)
            type = UInt8(bits(40, 4))
            s = UInt8(bits(44, 1))
            dpl = UInt8(bits(45, 2))
            present = UInt8(bits(47, 1))
            l = UInt8(bits(53, 1))
            db = UInt8(bits(54, 1))
            g = UInt8(bits(55, 1))
            limit = g == 1 ? units << 12 | 0xfff : units
        }
    }

    /// The descriptors of privilege level 0 from address 0 (Intel SDM, volume 3A, 3.4.5).
    private enum FlatDescriptor {
        /// 4 GiB, readable and accessed.
        static let code32: UInt64 = 0x00cf_9b00_0000_ffff
        /// The same with the L flag.
        static let code64: UInt64 = 0x00af_9b00_0000_ffff
        /// 4 GiB, writable and accessed.
        static let data: UInt64 = 0x00cf_9300_0000_ffff
        /// A busy TSS of 4 GiB.
        static let task: UInt64 = 0x008f_8b00_0000_ffff
        /// A busy TSS of the smallest size, 104 bytes, as PVH requires.
        static let smallTask: UInt64 = 0x0000_8b00_0000_0067
    }

    /// Address and limit of a descriptor table.
    struct DescriptorTable: Hashable, Sendable {
        let base: UInt64
        let limit: UInt16
    }

    let code: SegmentRegister
    /// The segment of ds, es, fs, gs and ss.
    let data: SegmentRegister
    let task: SegmentRegister
    let gdt: DescriptorTable
    let idt: DescriptorTable
    let cr0: UInt64
    let cr3: UInt64
    let cr4: UInt64
    let efer: UInt64
    let rip: UInt64
    let rsp: UInt64
    let rbx: UInt64
    let rsi: UInt64
    /// Only bit 1, which is always set: interrupts are disabled.
    let rflags: UInt64 = 1 << 1

    /// The descriptors at ``BootLayout/gdt``: null, code, data, task.
    let descriptors: [UInt64]

    private init(
        descriptors: [UInt64], cr0: UInt64, cr3: UInt64, cr4: UInt64, efer: UInt64, at rip: UInt64,
        rbx: UInt64, rsi: UInt64
    ) {
        self.descriptors = descriptors
        code = SegmentRegister(descriptors[1], selector: UInt16(1 * SegmentRegister.descriptorByteCount))
        data = SegmentRegister(descriptors[2], selector: UInt16(2 * SegmentRegister.descriptorByteCount))
        task = SegmentRegister(descriptors[3], selector: UInt16(3 * SegmentRegister.descriptorByteCount))
        gdt = DescriptorTable(
            base: BootLayout.gdt, limit: UInt16(descriptors.count * SegmentRegister.descriptorByteCount - 1))
        idt = DescriptorTable(base: BootLayout.idt, limit: UInt16(SegmentRegister.descriptorByteCount - 1))
        self.cr0 = cr0
        self.cr3 = cr3
        self.cr4 = cr4
        self.efer = efer
        self.rip = rip
        rsp = BootLayout.stack
        self.rbx = rbx
        self.rsi = rsi
    }

    /// Protected mode without paging, `rbx` points to the start info (Xen's PVH ABI).
    static func pvh(at entry: UInt64) -> EntryState {
        EntryState(
            descriptors: [0, FlatDescriptor.code32, FlatDescriptor.data, FlatDescriptor.smallTask],
            cr0: ControlBit.cr0PE | ControlBit.cr0ET, cr3: 0, cr4: 0, efer: 0, at: entry, rbx: BootLayout.startInfo,
            rsi: 0)
    }

    /// Long mode with 4 GiB identity-mapped, `rsi` points to the zero page (Linux's 64-bit boot protocol).
    static func linux64(at entry: UInt64) -> EntryState {
        EntryState(
            descriptors: [0, FlatDescriptor.code64, FlatDescriptor.data, FlatDescriptor.task],
            cr0: ControlBit.cr0PG | ControlBit.cr0PE | ControlBit.cr0ET, cr3: BootLayout.pageTables,
            cr4: ControlBit.cr4PAE, efer: EFERBit.lme | EFERBit.lma, at: entry, rbx: 0, rsi: BootLayout.zeroPage)
    }
}

internal import Linux

// The structures for a kernel's entry (Xen, docs/misc/pvh.pandoc; Linux, Documentation/arch/x86/zero-page.rst).

/// The values that both boot protocols pass.
struct BootParameters: Sendable {
    let map: PhysicalMap
    let commandLineSize: Int
    let initramfsStart: UInt64
    let initramfsSize: UInt64

    /// Writes the structures of the kernel's protocol, and returns the registers.
    func write(for kernel: KernelImage, into memory: GuestMemory) throws(GuestFault) -> EntryState {
        let state: EntryState
        switch kernel.entry {
        case .pvh(let entry):
            try writeStartInfo(into: memory)
            state = .pvh(at: entry)
        case .linux64, .bzImage64:
            try memory.write(zeroPage(kernel.setupHeader), at: BootLayout.zeroPage)
            try memory.write(Self.pageTables, at: BootLayout.pageTables)
            state = .linux64(at: kernel.entry.address)
        }
        var table: [UInt8] = []
        for descriptor in state.descriptors { table.append(little: descriptor) }
        try memory.write(table, at: BootLayout.gdt)
        try memory.store(UInt64(0), at: BootLayout.idt)
        return state
    }

    // MARK: - PVH

    /// XEN_HVM_START_MAGIC_VALUE (Xen, arch-x86/hvm/start_info.h).
    private static let startMagic: UInt32 = 0x336e_c578
    /// The version of the start info, the first with a memory map.
    private static let startInfoVersion: UInt32 = 1

    /// Writes `struct hvm_start_info`, its module list and its memory map.
    ///
    /// ```
    /// info    magic(4)  version(4)  flags(4)  nr_modules(4)  modlist_paddr  cmdline_paddr  rsdp_paddr  memmap_paddr
    ///         memmap_entries(4)  reserved(4)
    /// module  paddr  size  cmdline_paddr  reserved
    /// range   addr  size  type(4)  reserved(4)
    /// ```
    private func writeStartInfo(into memory: GuestMemory) throws(GuestFault) {
        let (flags, reserved): (UInt32, UInt32) = (0, 0)
        var ranges: [UInt8] = []
        for range in map.ranges {
            ranges.append(little: range.start)
            ranges.append(little: range.byteCount)
            ranges.append(little: range.kind.rawValue)
            ranges.append(little: reserved)
        }
        try memory.write(ranges, at: BootLayout.memoryMap)
        var module: [UInt8] = []
        for number in [initramfsStart, initramfsSize, 0, 0] { module.append(little: number) }
        try memory.write(module, at: BootLayout.moduleList)
        let hasInitramfs = initramfsSize > 0
        var info: [UInt8] = []
        for number in [Self.startMagic, Self.startInfoVersion, flags, hasInitramfs ? 1 : 0] {
            info.append(little: number)
        }
        let list = hasInitramfs ? BootLayout.moduleList : 0
        for address in [list, BootLayout.commandLine, BootLayout.rsdp, BootLayout.memoryMap] {
            info.append(little: address)
        }
        info.append(little: UInt32(map.ranges.count))
        info.append(little: reserved)
        try memory.write(info, at: BootLayout.startInfo)
    }

    // MARK: - Linux, 64 bits

    private func zeroPage(_ header: [UInt8]?) -> [UInt8] {
        var page = [UInt8](repeating: 0, count: Int(GuestMemory.page))
        page.set(BootLayout.rsdp, at: ZeroPageField.acpiRSDPAddr)
        page.set(UInt32(truncatingIfNeeded: initramfsStart >> 32), at: ZeroPageField.extRamdiskImage)
        page.set(UInt32(truncatingIfNeeded: initramfsSize >> 32), at: ZeroPageField.extRamdiskSize)
        if let header {
            page.replaceSubrange(SetupHeader.offset..<(SetupHeader.offset + header.count), with: header)
        } else {
            page.set(SetupValue.bootFlag, at: SetupField.bootFlag)
            page.set(SetupValue.header, at: SetupField.header)
            page.set(SetupValue.version64, at: SetupField.version)
            page.set(SetupValue.loadedHigh, at: SetupField.loadflags)
            page.set(UInt32(commandLineSize), at: SetupField.cmdlineSize)
        }
        page.set(SetupValue.undefinedLoader, at: SetupField.typeOfLoader)
        page.set(UInt32(truncatingIfNeeded: initramfsSize == 0 ? 0 : initramfsStart), at: SetupField.ramdiskImage)
        page.set(UInt32(truncatingIfNeeded: initramfsSize), at: SetupField.ramdiskSize)
        page.set(UInt32(BootLayout.commandLine), at: SetupField.cmdLinePtr)
        setMemoryMap(of: &page)
        return page
    }

    private func setMemoryMap(of page: inout [UInt8]) {
        typealias E820 = ZeroPageField.E820
        let ranges = map.ranges.prefix(E820.maximumCount)
        page[ZeroPageField.e820Entries] = UInt8(ranges.count)
        for (index, range) in ranges.enumerated() {
            let entry = ZeroPageField.e820Table + E820.byteCount * index
            page.set(range.start, at: entry + E820.addr)
            page.set(range.byteCount, at: entry + E820.size)
            page.set(range.kind.rawValue, at: entry + E820.type)
        }
    }

    /// 4 GiB identity-mapped in pages of 2 MiB: they cover the kernel and all its structures.
    private static let pageTables: [UInt8] = {
        typealias Entry = PageTableEntry
        // The PML4, the page-directory-pointer table, then a page directory for each GiB.
        func start(_ table: Int) -> Int { Entry.tableByteCount * table }
        func reference(_ table: Int) -> UInt64 { (BootLayout.pageTables + UInt64(start(table))) | Entry.table }
        var tables = [UInt8](repeating: 0, count: start(6))
        tables.set(reference(1), at: start(0))
        for gibibyte in 0..<4 { tables.set(reference(2 + gibibyte), at: start(1) + Entry.byteCount * gibibyte) }
        for index in 0..<2048 {
            tables.set(UInt64(index) << 21 | Entry.largePage, at: start(2) + Entry.byteCount * index)
        }
        return tables
    }()
}

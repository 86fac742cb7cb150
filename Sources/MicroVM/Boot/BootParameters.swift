// The structures for a kernel's entry (Xen, docs/misc/pvh.pandoc; Linux, Documentation/x86/zero-page.rst).

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

    private func writeStartInfo(into memory: GuestMemory) throws(GuestFault) {
        var ranges: [UInt8] = []
        for range in map.ranges {
            ranges.append(little: range.start)
            ranges.append(little: range.byteCount)
            ranges.append(little: range.kind.rawValue)
            ranges.append(little: UInt32(0))
        }
        try memory.write(ranges, at: BootLayout.memoryMap)
        var module: [UInt8] = []
        for number in [initramfsStart, initramfsSize, 0, 0] { module.append(little: number) }
        try memory.write(module, at: BootLayout.moduleList)
        let hasInitramfs = initramfsSize > 0
        var info: [UInt8] = []
        for number in [0x336e_c578, 1, 0, hasInitramfs ? 1 : 0] as [UInt32] { info.append(little: number) }
        let list = hasInitramfs ? BootLayout.moduleList : 0
        for address in [list, BootLayout.commandLine, BootLayout.rsdp, BootLayout.memoryMap] {
            info.append(little: address)
        }
        info.append(little: UInt32(map.ranges.count))
        info.append(little: UInt32(0))
        try memory.write(info, at: BootLayout.startInfo)
    }

    // MARK: - Linux, 64 bits

    /// The maximum number of ranges in a zero page.
    private static let maximumRanges = 128

    private func zeroPage(_ header: [UInt8]?) -> [UInt8] {
        var page = [UInt8](repeating: 0, count: 4096)
        page.set(BootLayout.rsdp, at: 0x70)
        page.set(UInt32(truncatingIfNeeded: initramfsStart >> 32), at: 0xc0)
        page.set(UInt32(truncatingIfNeeded: initramfsSize >> 32), at: 0xc4)
        let ranges = map.ranges.prefix(Self.maximumRanges)
        page[0x1e8] = UInt8(ranges.count)
        if let header {
            page.replaceSubrange(SetupHeader.offset..<(SetupHeader.offset + header.count), with: header)
        } else {
            page.set(UInt16(0xaa55), at: 0x1fe)
            page.set(UInt32(0x5372_6448), at: 0x202)
            page.set(UInt16(0x20c), at: 0x206)
            page.set(UInt8(1), at: 0x211)
            page.set(UInt32(commandLineSize), at: 0x238)
        }
        page.set(UInt8(0xff), at: 0x210)
        page.set(UInt32(truncatingIfNeeded: initramfsSize == 0 ? 0 : initramfsStart), at: 0x218)
        page.set(UInt32(truncatingIfNeeded: initramfsSize), at: 0x21c)
        page.set(UInt32(BootLayout.commandLine), at: 0x228)
        for (index, range) in ranges.enumerated() {
            page.set(range.start, at: 0x2d0 + 20 * index)
            page.set(range.byteCount, at: 0x2d8 + 20 * index)
            page.set(range.kind.rawValue, at: 0x2e0 + 20 * index)
        }
        return page
    }

    /// 4 GiB identity-mapped in pages of 2 MiB: they cover the kernel and all its structures.
    private static let pageTables: [UInt8] = {
        let present: UInt64 = 3
        let page = BootLayout.pageTables
        var tables = [UInt8](repeating: 0, count: 6 * 4096)
        tables.set(page + 4096 | present, at: 0)
        for gibibyte in 0..<4 { tables.set(page + 4096 * UInt64(2 + gibibyte) | present, at: 4096 + 8 * gibibyte) }
        for index in 0..<2048 { tables.set(UInt64(index) << 21 | 0x80 | present, at: 8192 + 8 * index) }
        return tables
    }()
}

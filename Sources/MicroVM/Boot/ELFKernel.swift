// A kernel in ELF format, as a linker writes it.

internal import Linux
internal import SystemPackage

/// The checked load segments of an ELF kernel, and its entry.
struct ELFKernel: Hashable, Sendable {
    let entry: KernelImage.Entry
    /// In ascending order of their physical addresses; without overlaps, each within its file.
    let segments: [ELF.Segment]

    /// XEN_ELFNOTE_PHYS32_ENTRY: the note with the physical address of the PVH entry (Xen, elfnote.h).
    private static let phys32Entry: UInt32 = 18
    private static let noteOwner = "Xen"
    /// PT_NOTE of elf.h.
    private static let noteSegment: UInt32 = 4
    /// EM_X86_64 of elf.h.
    private static let machineX8664: UInt16 = 62
    /// EM_386, EM_ARM, EM_AARCH64 and EM_RISCV of elf.h.
    private static let otherMachines: [UInt16: String] = [3: "i386", 40: "arm", 183: "arm64", 243: "riscv"]
    /// The upper bound for the size of a kernel's notes, in bytes.
    private static let maximumNotes: UInt64 = 1 << 20

    init(_ file: borrowing KernelFile) throws(MachineError) {
        let elf: ELF
        do throws(ELF.Fault) { elf = try ELF(start: file.start) } catch {
            throw .unbootableKernel("\(file.path) \(error)")
        }
        try Self.check(elf, file.path)
        segments = try Self.loaded(elf, path: file.path, byteCount: file.byteCount)
        entry = try Self.entry(elf, file)
        let address = entry.address
        guard segments.contains(where: { address >= $0.physicalAddress && address - $0.physicalAddress < $0.fileSize })
        else { throw .unbootableKernel("its entry \(hexadecimal(address)) is in no segment") }
    }

    private static func check(_ elf: ELF, _ path: FilePath) throws(MachineError) {
        guard elf.machine == machineX8664 else {
            let name = otherMachines[elf.machine] ?? "machine \(elf.machine)"
            throw .unbootableKernel("\(path) is for \(name), not for x86-64")
        }
        guard elf.class == .bits64, !elf.isBigEndian else { throw .unbootableKernel("\(path) is not a 64-bit kernel") }
        guard elf.type == .executable else { throw .unbootableKernel("\(path) is an ELF file but not an executable") }
    }

    private static func loaded(
        _ elf: ELF, path: FilePath, byteCount: UInt64
    ) throws(MachineError) -> [ELF.Segment] {
        let segments = elf.segments.filter { $0.isLoaded && $0.memorySize > 0 }
            .sorted { $0.physicalAddress < $1.physicalAddress }
        guard !segments.isEmpty else { throw .unbootableKernel("\(path) has no loadable segments") }
        var end = BootLayout.highMemory
        for segment in segments {
            let place = hexadecimal(segment.physicalAddress)
            guard segment.fileSize <= segment.memorySize else {
                throw .unbootableKernel("its segment at \(place) is larger in the file than in memory")
            }
            guard segment.offset <= byteCount, segment.fileSize <= byteCount - segment.offset else {
                throw .unbootableKernel("its segment at \(place) is not wholly in the file of \(byteCount) bytes")
            }
            guard segment.physicalAddress >= end else {
                let other = end == BootLayout.highMemory ? "the lowest MiB" : "another one"
                throw .unbootableKernel("its segment at \(place) overlaps \(other)")
            }
            guard segment.physicalAddress < GuestMemory.hole,
                segment.memorySize <= GuestMemory.hole - segment.physicalAddress
            else { throw .unbootableKernel("its segment at \(place) does not end below 3 GiB") }
            end = segment.physicalAddress + segment.memorySize
        }
        return segments
    }

    private static func entry(_ elf: ELF, _ file: borrowing KernelFile) throws(MachineError) -> KernelImage.Entry {
        for segment in elf.segments where segment.type == noteSegment && segment.fileSize <= maximumNotes {
            guard segment.offset <= file.byteCount, segment.fileSize <= file.byteCount - segment.offset else {
                continue
            }
            let bytes = try file.read(segment.offset..<(segment.offset + segment.fileSize))
            for note in elf.notes(parsing: bytes) where note.owner == noteOwner && note.type == phys32Entry {
                if let address = note.content.number(UInt32.self, at: 0) { return .pvh(UInt64(address)) }
            }
        }
        return .linux64(elf.entry)
    }
}

// A kernel's file: its format, its entry point, and the way into a guest's memory.
//
// ```
// vmlinux (ELF) --------------------------------> PVH if it has Xen's note 18, else Linux's 64-bit protocol
// bzImage: LZ4 --> vmlinux, unpacked once ------> the same
//          gzip, zstd, xz, ... -----------------> its own 64-bit entry; it unpacks itself in the guest, at every boot
// ```

internal import Linux
internal import SystemPackage

/// A kernel in an open file that can be loaded into any number of guests.
final class KernelImage: Sendable {
    /// The address and the boot protocol of a kernel's entry.
    enum Entry: Hashable, Sendable {
        case pvh(UInt64)
        case linux64(UInt64)
        /// A bzImage that unpacks itself; the value is its load address, ``SetupValue/entry64`` bytes before its entry.
        case bzImage64(UInt64)

        /// The first instruction.
        var address: UInt64 {
            switch self {
            case .pvh(let address), .linux64(let address): address
            case .bzImage64(let address): address + SetupValue.entry64
            }
        }
    }

    private enum KernelFormat: Sendable {
        case elf([ELF.Segment])
        case bzImage(SetupHeader)
    }

    /// The entry of the kernel.
    let entry: Entry
    /// The longest command line in bytes, without the NUL.
    let commandLineLimit: Int
    /// A remark for the user; `nil` if there is none.
    let remark: String?
    private let content: KernelFormat
    private let file: KernelFile

    /// COMMAND_LINE_SIZE of Linux for x86 is 2048.
    private static let usualCommandLine = 2047

    /// Opens a kernel.
    ///
    /// A bzImage is unpacked once, and kept in the directory `cache`; without one it is unpacked into memory. Its name
    /// there contains `name` if the caller knows one that stands for the content, such as its digest. Otherwise the
    /// name is made of the file's inode, size and times. With `isUnpacked: false`, a bzImage unpacks itself in the
    /// guest.
    convenience init(
        opening path: FilePath, cache: FilePath? = nil, named name: String? = nil, isUnpacked: Bool = true
    ) throws(MachineError) {
        try self.init(KernelFile(opening: path), cache: cache, named: name, isUnpacked: isUnpacked)
    }

    /// Reads an open file in the same way.
    init(
        _ file: consuming KernelFile, cache: FilePath? = nil, named name: String? = nil, isUnpacked: Bool = true
    ) throws(MachineError) {
        let path = file.path
        guard SetupHeader.begins(file.start) else {
            if let reason = UnknownKernel.explain(file.start) { throw .unbootableKernel("\(path) \(reason)") }
            let kernel = try ELFKernel(file)
            (entry, content, commandLineLimit) = (kernel.entry, .elf(kernel.segments), Self.usualCommandLine)
            remark = nil
            self.file = file
            return
        }
        let header = try SetupHeader(start: file.start, fileSize: file.byteCount)
        let packed = try CompressedKernel(header, in: file)
        commandLineLimit = header.commandLineLimit
        guard isUnpacked, packed.isSupported else {
            (entry, content) = (.bzImage64(header.address), .bzImage(header))
            remark = isUnpacked ? "\(path) is packed with \(packed.format): it unpacks itself at every boot" : nil
            self.file = file
            return
        }
        let unpacked = try packed.unpack(file, cache: cache, named: name)
        let kernel = try ELFKernel(unpacked)
        (entry, content) = (kernel.entry, .elf(kernel.segments))
        remark = nil
        self.file = unpacked
    }

    /// The path of the file that ``load(into:)`` reads.
    var path: FilePath { file.path }

    /// Returns another descriptor of the file that ``load(into:)`` reads.
    func duplicate() throws(MachineError) -> OwnedDescriptor {
        do throws(SystemError) { return try file.descriptor.duplicate() } catch {
            throw .host(error.operation, file.path, error.errno)
        }
    }

    /// The kernel's address range, including all memory that it uses before it reads the memory map.
    var range: Range<UInt64> {
        switch content {
        case .elf(let segments):
            let last = segments[segments.count - 1]
            return segments[0].physicalAddress..<(last.physicalAddress + last.memorySize)
        case .bzImage(let header): return header.address..<(header.address + header.memorySize)
        }
    }

    /// The part of the zero page from 0x1f1 on that comes from the kernel's file.
    var setupHeader: [UInt8]? {
        if case .bzImage(let header) = content { header.bytes } else { nil }
    }

    /// Loads the kernel into a guest with fresh memory, which is zero where the file has no data.
    func load(into memory: GuestMemory) throws(MachineError) {
        guard memory.contains(range.lowerBound, count: UInt64(range.count)) else {
            let bytes = memory.regions.first { $0.start == 0 }?.byteCount ?? 0
            let need = "the kernel reaches up to \(mebibytes(range.upperBound))"
            throw .impossible("\(need), but the machine has only \(mebibytes(bytes)) of memory there; give it more")
        }
        switch content {
        case .elf(let segments):
            for segment in segments {
                try file.place(segment.offset, count: segment.fileSize, at: segment.physicalAddress, in: memory)
            }
        case .bzImage(let header):
            try file.place(header.imageOffset, count: header.imageSize, at: header.address, in: memory)
        }
    }
}

/// Files that are often taken for kernels, and the reason why they are none.
enum UnknownKernel {
    /// The offset of the magic number (Linux, Documentation/arch/arm64/booting.rst and riscv/boot-image-header.rst).
    private static let magicOffset = 0x38
    /// The bytes "ARM" and 64.
    private static let arm64Magic: UInt32 = 0x644d_5241
    /// The bytes "RSC" and 5.
    private static let riscvMagic: UInt32 = 0x0543_5352
    /// ELFMAG of elf.h.
    private static let elfMagic = Array("\u{7f}ELF".utf8)

    static func explain(_ start: [UInt8]) -> String? {
        if start.isEmpty { return "is empty" }
        let magic = start.number(UInt32.self, at: magicOffset)
        if magic == arm64Magic { return "is a kernel for arm64, not for x86-64" }
        if magic == riscvMagic { return "is a kernel for riscv, not for x86-64" }
        if let format = CompressedKernel.format(of: start) { return "is a file packed with \(format); unpack it first" }
        if start.starts(with: elfMagic) { return nil }
        return "is neither a vmlinux (ELF) nor a bzImage"
    }
}

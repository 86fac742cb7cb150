// The header of a bzImage (Linux, Documentation/x86/boot.rst).
//
// ```
// 0x1f1 setup header   (setup_sects + 1) * 512: the protected-mode part, with the 64-bit entry 0x200 bytes in
//                                          + payload_offset: the compressed kernel, at its end its size when unpacked
// ```

/// The setup header of a bzImage that has a 64-bit entry.
struct SetupHeader: Hashable, Sendable {
    /// Its offset in the file and in the zero page.
    static let offset = 0x1f1
    /// It ends below this offset.
    static let limit = 0x290

    /// The bytes from ``offset`` to the end that the header declares, for the zero page.
    let bytes: [UInt8]
    /// The offset of the protected-mode part in the file, and its size in bytes.
    let imageOffset: UInt64
    let imageSize: UInt64
    /// The range of the compressed kernel in the file.
    let payload: Range<UInt64>
    /// The longest command line in bytes, without its NUL.
    let commandLineLimit: Int
    /// The preferred load address.
    let address: UInt64
    /// The memory from the load address that the kernel uses before it reads the memory map, in bytes (`init_size`).
    let memorySize: UInt64

    /// The upper bound for the memory of a kernel and for its unpacked size.
    private static let maximumMemory: UInt64 = 1 << 30

    /// True if a file begins like a bzImage.
    static func begins(_ start: [UInt8]) -> Bool {
        start.number(UInt16.self, at: 0x1fe) == 0xaa55 && start.number(UInt32.self, at: 0x202) == 0x5372_6448
    }

    /// Reads and checks the header in a file's first bytes.
    init(start: [UInt8], fileSize: UInt64) throws(MachineError) {
        guard let version = start.number(UInt16.self, at: 0x206), start.count >= Self.limit else {
            throw .unbootableKernel("its file ends within the setup header")
        }
        guard version >= 0x20c else {
            let text = "\(version >> 8).\(version & 0xff)"
            throw .unbootableKernel("it has boot protocol \(text); the 64-bit entry needs 2.12 (Linux 3.8)")
        }
        func field<Number: FixedWidthInteger>(_: Number.Type, _ offset: Int) -> Number {
            start.number(Number.self, at: offset) ?? 0
        }
        guard field(UInt16.self, 0x236) & 1 == 1, field(UInt8.self, 0x211) & 1 == 1 else {
            throw .unbootableKernel("it is not a 64-bit kernel: its bzImage has no 64-bit entry")
        }
        let end = min(0x202 + Int(start[0x201]), Self.limit)
        guard end >= 0x264 else { throw .unbootableKernel("its setup header ends before init_size") }
        bytes = Array(start[Self.offset..<end])
        let sectors = field(UInt8.self, 0x1f1)
        imageOffset = (UInt64(sectors == 0 ? 4 : sectors) + 1) * 512
        let size = UInt64(field(UInt32.self, 0x1f4)) * 16
        // The size counts paragraphs; a file may end within the last one.
        guard size > 0x400, fileSize > imageOffset, size <= fileSize - imageOffset + 15 else {
            throw .unbootableKernel("its bzImage is truncated: it has \(fileSize) of \(imageOffset + size) bytes")
        }
        imageSize = min(size, fileSize - imageOffset)
        let payloadOffset = UInt64(field(UInt32.self, 0x248))
        let payloadSize = UInt64(field(UInt32.self, 0x24c))
        guard payloadOffset <= imageSize, payloadSize <= imageSize - payloadOffset else {
            throw .unbootableKernel("its bzImage has a payload outside the file")
        }
        payload = (imageOffset + payloadOffset)..<(imageOffset + payloadOffset + payloadSize)
        commandLineLimit = Int(min(field(UInt32.self, 0x238), 0x1_0000))
        memorySize = UInt64(field(UInt32.self, 0x260))
        address = field(UInt64.self, 0x258)
        // A kernel that can't be relocated unpacks itself to its address from the old fixed load address.
        guard field(UInt8.self, 0x234) != 0 else {
            throw .unbootableKernel("its bzImage cannot be relocated (CONFIG_RELOCATABLE is off)")
        }
        guard address >= BootLayout.highMemory, address <= GuestMemory.hole - Self.maximumMemory,
            memorySize >= imageSize, memorySize <= Self.maximumMemory
        else {
            throw .unbootableKernel("its bzImage requires address \(hexadecimal(address)) and \(memorySize) bytes")
        }
    }
}

// The header of a bzImage (Linux, Documentation/x86/boot.rst).
//
// ```
// 0x1f1 setup header   (setup_sects + 1) * 512: the protected-mode part, with the 64-bit entry 0x200 bytes in
//                                          + payload_offset: the compressed kernel, at its end its size when unpacked
// ```

/// The setup header of a bzImage that has a 64-bit entry.
struct SetupHeader: Hashable, Sendable {
    /// Where it begins, in the file as in the zero page.
    static let offset = 0x1f1
    /// It ends somewhere below.
    static let limit = 0x290

    /// From ``offset`` to where it says that it ends: what the zero page gets.
    let bytes: [UInt8]
    /// Where the protected-mode part begins in the file, and how long it is.
    let imageOffset: UInt64
    let imageSize: UInt64
    /// Where in the file the compressed kernel is.
    let payload: Range<UInt64>
    /// Longest command line, without its NUL.
    let commandLineLimit: Int
    /// Where it wants to be loaded.
    let address: UInt64
    /// From where it is loaded, memory that it uses before it has asked what there is.
    let memorySize: UInt64

    /// No kernel uses more; what is packed in it is no larger either.
    private static let maximumMemory: UInt64 = 1 << 30

    /// Whether a file begins as a bzImage does.
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
            throw .unbootableKernel("it speaks boot protocol \(text), the 64-bit entry came with 2.12 (Linux 3.8)")
        }
        func field<Number: FixedWidthInteger>(_: Number.Type, _ offset: Int) -> Number {
            start.number(Number.self, at: offset) ?? 0
        }
        guard field(UInt16.self, 0x236) & 1 == 1, field(UInt8.self, 0x211) & 1 == 1 else {
            throw .unbootableKernel("it is no 64-bit kernel: its bzImage has no 64-bit entry")
        }
        let end = min(0x202 + Int(start[0x201]), Self.limit)
        guard end >= 0x264 else { throw .unbootableKernel("its setup header ends before init_size") }
        bytes = Array(start[Self.offset..<end])
        let sectors = field(UInt8.self, 0x1f1)
        imageOffset = (UInt64(sectors == 0 ? 4 : sectors) + 1) * 512
        let size = UInt64(field(UInt32.self, 0x1f4)) * 16
        // The size counts paragraphs; a file may end within the last one.
        guard size > 0x400, fileSize > imageOffset, size <= fileSize - imageOffset + 15 else {
            throw .unbootableKernel("its bzImage is cut short: \(fileSize) of \(imageOffset + size) bytes are there")
        }
        imageSize = min(size, fileSize - imageOffset)
        let payloadOffset = UInt64(field(UInt32.self, 0x248))
        let payloadSize = UInt64(field(UInt32.self, 0x24c))
        guard payloadOffset <= imageSize, payloadSize <= imageSize - payloadOffset else {
            throw .unbootableKernel("its bzImage has the payload outside the file")
        }
        payload = (imageOffset + payloadOffset)..<(imageOffset + payloadOffset + payloadSize)
        commandLineLimit = Int(min(field(UInt32.self, 0x238), 0x1_0000))
        memorySize = UInt64(field(UInt32.self, 0x260))
        address = field(UInt64.self, 0x258)
        // A kernel that cannot be moved unpacks itself to its address from where all kernels once were loaded.
        guard field(UInt8.self, 0x234) != 0 else {
            throw .unbootableKernel("its bzImage cannot be relocated (CONFIG_RELOCATABLE is off)")
        }
        guard address >= BootLayout.highMemory, address <= GuestMemory.hole - Self.maximumMemory,
            memorySize >= imageSize, memorySize <= Self.maximumMemory
        else {
            throw .unbootableKernel("its bzImage wants to be at \(hexadecimal(address)) with \(memorySize) bytes")
        }
    }
}

internal import Linux

// The header of a bzImage (Linux, Documentation/arch/x86/boot.rst).
//
// ```
// 0x1f1 setup header   (setup_sects + 1) * 512: the protected-mode part, with the 64-bit entry 0x200 bytes in
//                                          + payload_offset: the compressed kernel, at its end its size when unpacked
// ```

/// The setup header of a bzImage that has a 64-bit entry.
struct SetupHeader: Hashable, Sendable {
    /// Its offset in the file and in the zero page.
    static let offset = SetupField.setupSects
    /// It ends below this offset.
    static let limit = 0x290

    /// The protected-mode part reaches beyond the start of its 64-bit entry.
    private static let entryEnd: UInt64 = 0x400

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
    /// The upper bound for the length of a command line, in bytes.
    private static let maximumCommandLine: UInt32 = 1 << 16

    /// True if a file begins like a bzImage.
    static func begins(_ start: [UInt8]) -> Bool {
        start.number(UInt16.self, at: SetupField.bootFlag) == SetupValue.bootFlag
            && start.number(UInt32.self, at: SetupField.header) == SetupValue.header
    }

    /// Reads and checks the header in a file's first bytes.
    init(start: [UInt8], fileSize: UInt64) throws(MachineError) {
        guard let version = start.number(UInt16.self, at: SetupField.version), start.count >= Self.limit else {
            throw .unbootableKernel("its file ends within the setup header")
        }
        guard version >= SetupValue.version64 else {
            let text = "\(version >> 8).\(version & 0xff)"
            throw .unbootableKernel("it has boot protocol \(text); the 64-bit entry needs 2.12 (Linux 3.8)")
        }
        func field<Number: FixedWidthInteger>(_: Number.Type, _ offset: Int) -> Number {
            start.number(Number.self, at: offset) ?? 0
        }
        guard field(UInt16.self, SetupField.xloadflags) & SetupValue.xlfKernel64 != 0,
            field(UInt8.self, SetupField.loadflags) & SetupValue.loadedHigh != 0
        else {
            throw .unbootableKernel("it is not a 64-bit kernel: its bzImage has no 64-bit entry")
        }
        let end = min(SetupField.header + Int(start[SetupField.jumpOffset]), Self.limit)
        guard end >= SetupField.handoverOffset else {
            throw .unbootableKernel("its setup header ends before init_size")
        }
        bytes = Array(start[Self.offset..<end])
        let sectors = field(UInt8.self, SetupField.setupSects)
        imageOffset = (UInt64(sectors == 0 ? SetupValue.defaultSetupSects : sectors) + 1) * SetupValue.sectorByteCount
        let size = UInt64(field(UInt32.self, SetupField.syssize)) * SetupValue.paragraphByteCount
        // The size counts paragraphs; a file may end within the last one.
        guard size > Self.entryEnd, fileSize > imageOffset,
            size <= fileSize - imageOffset + SetupValue.paragraphByteCount - 1
        else {
            throw .unbootableKernel("its bzImage is truncated: it has \(fileSize) of \(imageOffset + size) bytes")
        }
        imageSize = min(size, fileSize - imageOffset)
        let payloadOffset = UInt64(field(UInt32.self, SetupField.payloadOffset))
        let payloadSize = UInt64(field(UInt32.self, SetupField.payloadLength))
        guard payloadOffset <= imageSize, payloadSize <= imageSize - payloadOffset else {
            throw .unbootableKernel("its bzImage has a payload outside the file")
        }
        payload = (imageOffset + payloadOffset)..<(imageOffset + payloadOffset + payloadSize)
        commandLineLimit = Int(min(field(UInt32.self, SetupField.cmdlineSize), Self.maximumCommandLine))
        memorySize = UInt64(field(UInt32.self, SetupField.initSize))
        address = field(UInt64.self, SetupField.prefAddress)
        // A kernel that can't be relocated unpacks itself to its address from the old fixed load address.
        guard field(UInt8.self, SetupField.relocatableKernel) != 0 else {
            throw .unbootableKernel("its bzImage cannot be relocated (CONFIG_RELOCATABLE is off)")
        }
        guard address >= BootLayout.highMemory, address <= GuestMemory.hole - Self.maximumMemory,
            memorySize >= imageSize, memorySize <= Self.maximumMemory
        else {
            throw .unbootableKernel("its bzImage requires address \(hexadecimal(address)) and \(memorySize) bytes")
        }
    }
}

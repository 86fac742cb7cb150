// The numbers of Linux's boot protocol for x86, named as in asm/bootparam.h.

/// Offsets in a bzImage's setup header, the same in the file and in the zero page (Documentation/arch/x86/boot.rst).
public enum SetupField {
    static let setupSects = 0x1f1
    static let syssize = 0x1f4
    static let bootFlag = 0x1fe
    /// The second byte of a short jump over the header: the header's length behind 0x202.
    static let jumpOffset = 0x201
    /// The bytes "HdrS".
    public static let header = 0x202
    static let version = 0x206
    /// The offset of the release's text, less ``kernelVersionBase``; a space ends the release.
    public static let kernelVersion = 0x20e
    /// The loader's number; the first field behind those that ``kernelVersion`` needs.
    public static let typeOfLoader = 0x210
    /// The offset that `kernel_version` counts from.
    public static let kernelVersionBase = 0x200
    static let loadflags = 0x211
    static let ramdiskImage = 0x218
    static let ramdiskSize = 0x21c
    static let cmdLinePtr = 0x228
    static let relocatableKernel = 0x234
    static let xloadflags = 0x236
    static let cmdlineSize = 0x238
    static let payloadOffset = 0x248
    static let payloadLength = 0x24c
    static let prefAddress = 0x258
    static let initSize = 0x260
    static let handoverOffset = 0x264
}

/// Values in the setup header (Documentation/arch/x86/boot.rst).
enum SetupValue {
    /// The boot sector's signature, 55 AA in the file.
    static let bootFlag: UInt16 = 0xaa55
    /// The bytes "HdrS".
    static let header: UInt32 = 0x5372_6448
    /// Protocol 2.12, the first with a 64-bit entry (Linux 3.8).
    static let version64: UInt16 = 0x20c
    /// A loader without an assigned number.
    static let undefinedLoader: UInt8 = 0xff
    /// Of `loadflags`: the protected-mode part is loaded at 1 MiB or higher.
    static let loadedHigh: UInt8 = 1 << 0
    /// Of `xloadflags`: the kernel has the 64-bit entry.
    static let xlfKernel64: UInt16 = 1 << 0
    /// The 64-bit entry's offset from the load address.
    static let entry64: UInt64 = 0x200
    static let sectorByteCount: UInt64 = 512
    /// The number of setup sectors that a 0 in `setup_sects` means.
    static let defaultSetupSects: UInt8 = 4
    /// The unit of `syssize` in bytes.
    static let paragraphByteCount: UInt64 = 16
}

/// Offsets in the zero page, `struct boot_params` (Documentation/arch/x86/zero-page.rst).
enum ZeroPageField {
    static let acpiRSDPAddr = 0x070
    static let extRamdiskImage = 0x0c0
    static let extRamdiskSize = 0x0c4
    static let e820Entries = 0x1e8
    static let e820Table = 0x2d0

    /// `struct boot_e820_entry`: address 8, size 8, type 4.
    enum E820 {
        static let addr = 0
        static let size = 8
        static let type = 16
        static let byteCount = 20
        /// E820_MAX_ENTRIES_ZEROPAGE, the number of entries that the page has room for.
        static let maximumCount = 128
    }
}

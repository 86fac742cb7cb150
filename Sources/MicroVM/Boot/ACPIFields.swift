// The offsets and values of the tables' fields (ACPI 6.5, 5.2).

/// The root system description pointer (5.2.5.3).
enum RSDP {
    static let revision: UInt8 = 2
    static let checksum = 8
    static let extendedChecksum = 32
    static let byteCount = 36
    /// The bytes that the checksum covers: the structure of ACPI 1.0.
    static let firstByteCount = 20
}

/// The fixed description table (5.2.9).
enum FADT {
    static let byteCount = 276
    // Offsets of the fields.
    static let iapcBootArch = 109
    static let flags = 112
    static let minorVersion = 131
    static let xDSDT = 140
    static let hypervisorVendorIdentity = 268

    static let vgaNotPresent: UInt16 = 1 << 2
    static let cmosRTCNotPresent: UInt16 = 1 << 5

    static let wbinvd: UInt32 = 1 << 0
    static let pwrButton: UInt32 = 1 << 4
    static let slpButton: UInt32 = 1 << 5
    static let hwReducedACPI: UInt32 = 1 << 20
    /// The minor version of ACPI 6.5.
    static let minorVersionOf65: UInt8 = 5
    /// The letters THAW, the first one in the highest byte.
    static let hypervisor: UInt64 = 0x5448_4157
}

/// The structures of the multiple description table, each by its type and length (5.2.12).
enum MADT {
    static let localAPIC: [UInt8] = [0, 8]
    static let ioAPIC: [UInt8] = [1, 12]
    /// Of a local APIC's flags.
    static let enabled: UInt32 = 1 << 0
}

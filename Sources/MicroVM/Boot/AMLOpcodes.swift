// The bytes of ACPI 6.5 that begin objects and resources.

/// The first bytes of objects (20.3).
enum AMLOpcode {
    static let name: UInt8 = 0x08
    static let bytePrefix: UInt8 = 0x0a
    static let wordPrefix: UInt8 = 0x0b
    static let dwordPrefix: UInt8 = 0x0c
    static let stringPrefix: UInt8 = 0x0d
    static let qwordPrefix: UInt8 = 0x0e
    static let scope: UInt8 = 0x10
    static let buffer: UInt8 = 0x11
    static let package: UInt8 = 0x12
    static let method: UInt8 = 0x14
    static let dualNamePrefix: UInt8 = 0x2e
    static let extPrefix: UInt8 = 0x5b
    /// After `extPrefix`.
    static let device: UInt8 = 0x82
    static let notify: UInt8 = 0x86
}

/// Resource descriptors (6.4): tag, and for large ones the length in two bytes.
enum AMLResourceTag {
    static let ioPort: [UInt8] = [0x47]
    static let endTag: [UInt8] = [0x79]
    static let fixedMemory32: [UInt8] = [0x86, 9, 0]
    static let extendedInterrupt: [UInt8] = [0x89, 6, 0]
}

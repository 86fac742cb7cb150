/// Numbers of model-specific registers (Intel SDM, volume 4, 2.1), named without their IA32_.
enum ModelSpecificRegister {
    static let timeStampCounter: UInt32 = 0x10
    static let sysenterCS: UInt32 = 0x174
    static let sysenterESP: UInt32 = 0x175
    static let sysenterEIP: UInt32 = 0x176
    static let miscEnable: UInt32 = 0x1A0
    static let mtrrDefType: UInt32 = 0x2FF
    static let tscDeadline: UInt32 = 0x6E0
    static let star: UInt32 = 0xC000_0081
    static let lstar: UInt32 = 0xC000_0082
    /// AMD's name, for SYSCALL in compatibility mode.
    static let cstar: UInt32 = 0xC000_0083
    static let fmask: UInt32 = 0xC000_0084
    static let kernelGSBase: UInt32 = 0xC000_0102

    /// Of `miscEnable`: fast string operations.
    static let fastStringsEnable: UInt64 = 1 << 0
    /// Of `mtrrDefType`: MTRRs are enabled.
    static let mtrrEnable: UInt64 = 1 << 11
    /// Of `mtrrDefType`: memory is write-back by default.
    static let writeBack: UInt64 = 6
}

/// Registers of a local APIC by their offsets (Intel SDM, volume 3A, the APIC's chapter).
enum LocalAPICRegister {
    static let lvtLINT0 = 0x350
    static let lvtLINT1 = 0x360

    /// The bits of the delivery mode in an entry of the local vector table.
    static let deliveryModeMask: UInt32 = 7 << 8
    static let deliveryModeNMI: UInt32 = 4 << 8
    static let deliveryModeExtINT: UInt32 = 7 << 8
}

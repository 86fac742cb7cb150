// Bits of the processor for a kernel's entry (Intel SDM, volume 3A).

/// Bits of an entry of a page table with 4-level paging (4.5).
enum PageTableEntry {
    static let present: UInt64 = 1 << 0
    static let readWrite: UInt64 = 1 << 1
    /// PS: the entry maps a page instead of referring to a table.
    static let pageSize: UInt64 = 1 << 7

    static let table = present | readWrite
    static let largePage = present | readWrite | pageSize
    /// The size in bytes of each table; it has 512 entries of 8 bytes.
    static let tableByteCount = 4096
    static let byteCount = 8
}

/// Bits of the control registers (2.5).
enum ControlBit {
    static let cr0PE: UInt64 = 1 << 0
    static let cr0ET: UInt64 = 1 << 4
    static let cr0PG: UInt64 = 1 << 31
    static let cr4PAE: UInt64 = 1 << 5
}

/// Bits of IA32_EFER (2.2.1).
enum EFERBit {
    static let lme: UInt64 = 1 << 8
    static let lma: UInt64 = 1 << 10
}

// The addresses of everything that a kernel finds at its start. Firecracker and Cloud Hypervisor use the same ones.
//
// ```
// 0x500    GDT, IDT                          0x9fc00   reserved from here to 1 MiB:
// 0x6000   PVH: start info, module list      0xa0000     ACPI tables
// 0x7000   PVH: memory map; Linux: zero page 0xdf000     generation of the machine
// 0x8ff0   stack                             0xe0000     RSDP
// 0x9000   Linux: page tables, 6 pages       0x100000  the kernel, at the lowest
// 0x20000  command line                      ...       initramfs, up to the end of low RAM
// ```

/// Addresses in the guest.
enum BootLayout {
    static let gdt: UInt64 = 0x500
    static let idt: UInt64 = 0x520
    static let startInfo: UInt64 = 0x6000
    static let moduleList: UInt64 = 0x6040
    static let memoryMap: UInt64 = 0x7000
    static let zeroPage: UInt64 = 0x7000
    static let stack: UInt64 = 0x8ff0
    static let pageTables: UInt64 = 0x9000
    static let commandLine: UInt64 = 0x2_0000
    /// The command line must end here.
    static let commandLineEnd: UInt64 = 0x9_0000
    static let reserved: UInt64 = 0x9_fc00
    static let acpiTables: UInt64 = 0xa_0000
    /// A page whose first 16 bytes identify the run of the machine.
    static let vmGenerationID: UInt64 = 0xd_f000
    static let rsdp: UInt64 = 0xe_0000
    /// RAM for the kernel begins here.
    static let highMemory: UInt64 = 0x10_0000

    static let ioAPIC: UInt32 = 0xfec0_0000
    static let localAPIC: UInt32 = 0xfee0_0000
}

/// A device of one page of registers and one interrupt, which the ACPI tables announce.
struct MMIODevice: Hashable, Sendable {
    /// The number that fits between the doorbell's page and the mailbox.
    static let maximumCount = 15

    /// The address of its registers.
    let address: UInt64
    /// The number of its input line at the I/O APIC (GSI).
    let interrupt: UInt32

    static let byteCount: UInt32 = 4096

    /// Firecracker's start of such devices; the first page is the doorbell's.
    private static let firstAddress: UInt64 = 0xc000_1000
    /// Above the interrupts of a PC's own devices, of which the serial port has the highest.
    private static let firstInterrupt: UInt32 = 5

    /// The device in a slot, counted from 0.
    init(slot: Int) {
        precondition((0..<Self.maximumCount).contains(slot), "a machine has 15 slots for devices")
        address = Self.firstAddress + UInt64(slot) * UInt64(Self.byteCount)
        interrupt = Self.firstInterrupt + UInt32(slot)
    }
}

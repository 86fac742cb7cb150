internal import Linux

// The tables by which a kernel finds processors, interrupts and devices (ACPI 6.5, chapter 5).
//
// ```
// RSDP -> XSDT -> FADT -> DSDT   devices, in byte code
//              -> MADT           the I/O APIC and a local APIC for each processor
// ```

/// The contents of a machine's tables.
struct ACPITables: Sendable {
    var processors: Int
    var devices: [MMIODevice]
    /// True if there is a serial port, see ``Serial``.
    var hasSerialPort = false
    /// The interrupt that announces a new generation; `nil` if there is no such device.
    var generationInterrupt: UInt32?

    /// The alignment of tables in bytes, which only the root pointer needs.
    private static let alignment: UInt64 = 16

    /// A table with its address; each table begins at a multiple of 16.
    struct Placed: Hashable, Sendable {
        let name: String
        let address: UInt64
        let bytes: [UInt8]
    }

    /// The tables with their addresses, in ascending order; the last one is the root pointer.
    func placed() throws(MachineError) -> [Placed] {
        var tables: [Placed] = []
        var address = BootLayout.acpiTables
        func add(_ name: String, _ bytes: [UInt8]) -> UInt64 {
            defer { address = (address + UInt64(bytes.count) + Self.alignment - 1) & ~(Self.alignment - 1) }
            tables.append(Placed(name: name, address: address, bytes: bytes))
            return address
        }
        let dsdt = add("DSDT", Self.table("DSDT", revision: 2, dsdtBytes))
        let fadt = add("FACP", Self.table("FACP", revision: 6, fadtBytes(dsdt: dsdt)))
        let madt = add("APIC", Self.table("APIC", revision: 5, madtBytes))
        var list: [UInt8] = []
        for table in [fadt, madt] { list.append(little: table) }
        let xsdt = add("XSDT", Self.table("XSDT", revision: 1, list))
        guard address <= BootLayout.vmGenerationID else {
            throw .impossible("the machine's ACPI tables are too large for their address range")
        }
        tables.append(
            Placed(name: "RSDP", address: BootLayout.rsdp, bytes: Self.rsdpBytes(xsdt: xsdt)))
        return tables
    }

    // MARK: - Headers

    private static let oemID = Array("THAW  ".utf8)
    /// The size of DESCRIPTION_HEADER in bytes (5.2.6).
    private static let headerByteCount = 36
    private static let checksumOffset = 9

    /// A header, then the content; all bytes sum up to 0.
    private static func table(_ signature: String, revision: UInt8, _ content: [UInt8]) -> [UInt8] {
        var bytes = Array(signature.utf8)
        bytes.append(little: UInt32(headerByteCount + content.count))
        bytes += [revision, 0]
        bytes += oemID + Array("MICROVM ".utf8)
        bytes.append(little: UInt32(1))
        bytes += Array("THAW".utf8)
        bytes.append(little: UInt32(1))
        bytes += content
        bytes[checksumOffset] = checksum(bytes[...])
        return bytes
    }

    private static func rsdpBytes(xsdt: UInt64) -> [UInt8] {
        let rsdtAddress: UInt32 = 0
        var bytes = Array("RSD PTR ".utf8) + [0] + oemID + [RSDP.revision]
        bytes.append(little: rsdtAddress)
        bytes.append(little: UInt32(RSDP.byteCount))
        bytes.append(little: xsdt)
        bytes += [0, 0, 0, 0]
        bytes[RSDP.checksum] = checksum(bytes[..<RSDP.firstByteCount])
        bytes[RSDP.extendedChecksum] = checksum(bytes[...])
        return bytes
    }

    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt8 { 0 &- bytes.reduce(0, &+) }

    // MARK: - FADT (5.2.9)

    /// Returns the FADT: there is no hardware beyond the tables, so no PIT, no PIC and no power management timer.
    private func fadtBytes(dsdt: UInt64) -> [UInt8] {
        var table = [UInt8](repeating: 0, count: FADT.byteCount)
        // Without the bit 8042 there is no keyboard controller either, so that no kernel waits for one.
        table.set(FADT.vgaNotPresent | FADT.cmosRTCNotPresent, at: FADT.iapcBootArch)
        // The two buttons, if any, are devices.
        table.set(FADT.wbinvd | FADT.pwrButton | FADT.slpButton | FADT.hwReducedACPI, at: FADT.flags)
        table[FADT.minorVersion] = FADT.minorVersionOf65
        table.set(dsdt, at: FADT.xDSDT)
        table.set(FADT.hypervisor, at: FADT.hypervisorVendorIdentity)
        return Array(table[Self.headerByteCount...])
    }

    // MARK: - MADT (5.2.12)

    private var madtBytes: [UInt8] {
        let (flags, interruptBase, identifier, reserved): (UInt32, UInt32, UInt8, UInt8) = (0, 0, 0, 0)
        var bytes: [UInt8] = []
        bytes.append(little: BootLayout.localAPIC)
        bytes.append(little: flags)
        bytes += MADT.ioAPIC + [identifier, reserved]
        bytes.append(little: BootLayout.ioAPIC)
        bytes.append(little: interruptBase)
        for processor in 0..<processors {
            bytes += MADT.localAPIC + [UInt8(processor), UInt8(processor)]
            bytes.append(little: MADT.enabled)
        }
        return bytes
    }

    // MARK: - DSDT

    private var dsdtBytes: [UInt8] {
        var list: [AML] = []
        for (index, device) in devices.enumerated() { list.append(Self.virtio(device, index)) }
        if hasSerialPort { list.append(Self.serialPort) }
        if let generationInterrupt { list += Self.generation(generationInterrupt) }
        return AML.scope("\\_SB_", list).bytes
    }

    private static func virtio(_ device: MMIODevice, _ index: Int) -> AML {
        let number = String(index, radix: 16, uppercase: true)
        return .device(
            "V" + String(repeating: "0", count: 3 - number.count) + number,
            [
                .name("_HID", .string("LNRO0005")),
                .name("_UID", .integer(UInt64(index))),
                .name("_CCA", .integer(1)),
                .name(
                    "_CRS",
                    .resources([
                        .memory(start: UInt32(device.address), byteCount: MMIODevice.byteCount),
                        .interrupt(device.interrupt),
                    ])),
            ])
    }

    private static let serialResources: [AML.Resource] = [
        .ports(start: Serial.port, count: Serial.portCount), .interrupt(Serial.interrupt),
    ]

    private static let serialPort: AML = .device(
        "COM1",
        [
            .name("_HID", .eisa("PNP0501")), .name("_UID", .integer(0)),
            .name("_CRS", .resources(serialResources)),
        ])

    /// The notification that the generation has changed (Microsoft, Virtual Machine Generation ID).
    private static let generationChanged: UInt64 = 0x80

    /// The generation counter, and the generic event device that announces its change.
    private static func generation(_ interrupt: UInt32) -> [AML] {
        [
            .device(
                "VGEN",
                [
                    .name("_HID", .string("THAW0001")), .name("_CID", .string("VMGENCTR")),
                    .name("_DDN", .string("VM_Gen_Counter")),
                    .name(
                        "ADDR",
                        .package([
                            .integer(BootLayout.vmGenerationID & 0xffff_ffff),
                            .integer(BootLayout.vmGenerationID >> 32),
                        ])
                    ),
                ]),
            .device(
                "GED0",
                [
                    .name("_HID", .string("ACPI0013")), .name("_UID", .integer(0)),
                    .name("_CRS", .resources([.interrupt(interrupt)])),
                    .method("_EVT", arguments: 1, [.notify(["\\_SB_", "VGEN"], .integer(generationChanged))]),
                ]),
        ]
    }
}

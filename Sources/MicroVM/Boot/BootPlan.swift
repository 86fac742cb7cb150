// Everything that a kernel finds in memory at its start, written in one go.

internal import SystemPackage

/// The content of a machine's memory at its start.
struct BootPlan: Sendable {
    var kernel: KernelImage
    /// A cpio archive, which may be compressed; empty if there is none.
    var initramfs: [UInt8] = []
    var commandLine: String
    /// The size of RAM in bytes, without the regions of persistent memory and of devices.
    var memoryBytes: UInt64
    var processors = 1
    var devices: [MMIODevice] = []
    var persistentMemory: [PersistentMemory] = []
    /// True if the tables name a serial port, see ``Serial``.
    var hasSerialPort = false
    /// The generation of this run and the interrupt that announces a new one; `nil` if the guest has none.
    var generation: GenerationID?

    /// A number that is different for every run of a machine, also of the same snapshot.
    struct GenerationID: Hashable, Sendable {
        let identifier: [UInt8]
        let interrupt: UInt32

        init(identifier: [UInt8], interrupt: UInt32) {
            precondition(identifier.count == 16, "a generation has 16 bytes")
            self.identifier = identifier
            self.interrupt = interrupt
        }
    }

    /// An xAPIC identifier has 8 bits, and 255 addresses all processors.
    private static let maximumProcessors = 254

    /// Fills fresh memory, including the kernel, and returns the first processor's entry state.
    func place(in memory: GuestMemory) throws(MachineError) -> EntryState {
        guard (1...Self.maximumProcessors).contains(processors) else {
            throw .impossible("a machine must have 1 to \(Self.maximumProcessors) processors, not \(processors)")
        }
        let map = try PhysicalMap(memoryBytes: memoryBytes, persistent: persistentMemory)
        let line = try checkedCommandLine()
        try kernel.load(into: memory)
        let start = try initramfsStart(map)
        let tables = ACPITables(
            processors: processors, devices: devices, hasSerialPort: hasSerialPort,
            generationInterrupt: generation?.interrupt)
        let placed = try tables.placed()
        let handover = BootParameters(
            map: map, commandLineSize: line.count, initramfsStart: start, initramfsSize: UInt64(initramfs.count))
        return try reaching { () throws(GuestFault) in
            try memory.write(line, at: BootLayout.commandLine)
            if !initramfs.isEmpty { try memory.write(initramfs, at: start) }
            for table in placed { try memory.write(table.bytes, at: table.address) }
            if let generation { try memory.write(generation.identifier, at: BootLayout.vmGenerationID) }
            return try handover.write(for: kernel, into: memory)
        }
    }

    /// The command line with its NUL.
    private func checkedCommandLine() throws(MachineError) -> [UInt8] {
        let line = Array(commandLine.utf8)
        let limit = min(kernel.commandLineLimit, Int(BootLayout.commandLineEnd - BootLayout.commandLine) - 1)
        guard line.count <= limit else {
            throw .impossible("the kernel's command line has \(line.count) bytes; the limit is \(limit)")
        }
        guard !line.contains(0) else { throw .impossible("the kernel's command line contains a NUL byte") }
        return line + [0]
    }

    /// The highest page address where the initramfs fits.
    private func initramfsStart(_ map: PhysicalMap) throws(MachineError) -> UInt64 {
        let size = (UInt64(initramfs.count) + GuestMemory.page - 1) & ~(GuestMemory.page - 1)
        let end = map.lowEnd & ~(GuestMemory.page - 1)
        guard kernel.range.upperBound <= end, size <= end - kernel.range.upperBound else {
            let parts = "the kernel up to \(mebibytes(kernel.range.upperBound)) and \(mebibytes(size)) of initramfs"
            throw .impossible("\(parts) do not fit into \(mebibytes(memoryBytes)) of memory; give it more")
        }
        return end - size
    }
}

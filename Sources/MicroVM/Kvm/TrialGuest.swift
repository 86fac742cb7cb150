public import SystemPackage

/// A guest of a few instructions that tests if this machine's KVM runs guests on the processor itself.
///
/// A software KVM (kvm_pvm, in a machine that is itself a guest without virtualization hardware) answers every ioctl.
/// It runs guest code too, but in an interpreter, with microseconds per instruction: Linux would take hours to boot.
/// The guest enters long mode with paging, counts to a million, and writes to a port. This takes a processor less than
/// a millisecond, and a processor that QEMU emulates a few.
///
/// The limit is processor time of the guest's thread, so other load doesn't change the result. A machine that is itself
/// a guest may lose its processor meanwhile without noticing, so up to three guests are tried.
public enum TrialGuest {
    /// The limit of processor time for one guest, in nanoseconds.
    private static let budget: UInt64 = 150_000_000
    private static let attempts = 3
    /// The time limit for a guest's thread to get a processor, in nanoseconds.
    private static let schedulingTimeout: UInt64 = 60_000_000_000

    /// The port of a PC's diagnostic codes, which no device uses.
    private static let port: UInt16 = 0x80

    private static let code: [UInt8] = [
        0xB9, 0x40, 0x42, 0x0F, 0x00,  // mov ecx, 1000000
        0xFF, 0xC9,  // dec ecx
        0x75, 0xFC,  // jnz to the dec
        0xE6, 0x80,  // out 0x80, al
        0xEB, 0xFE,  // jmp to itself
    ]

    /// Returns the reason why Linux can't boot through `device`, or `nil`.
    ///
    /// It takes a millisecond, and half a second of processor time with a software KVM.
    public static func unavailableReason(device: FilePath) -> String? {
        do throws(MachineError) {
            return try runs(KVM(at: device))
                ? nil : "this machine's \(device) is a software KVM, too slow to boot Linux"
        } catch { return error.description }
    }

    /// The reason why Linux can't boot through `/dev/kvm` in this process; `nil` if it can.
    ///
    /// It is found once: a command asks before each choice of an engine, and for each start.
    public static let unavailableReason = unavailableReason(device: "/dev/kvm")

    private static func runs(_ kvm: borrowing KVM) throws(MachineError) -> Bool {
        for _ in 1...attempts where try finishes(kvm, within: budget) { return true }
        return false
    }

    /// Runs one guest to its end, or until its thread has used `budget` nanoseconds of processor time.
    static func finishes(_ kvm: borrowing KVM, within budget: UInt64) throws(MachineError) -> Bool {
        let memory = try GuestMemory(byteCount: 2 << 20)
        let machine = try VirtualMachine(kvm, memory: memory)
        let entry = EntryState.linux64(at: BootLayout.highMemory)
        try put(entry, memory)
        let processor = try Processor(machine: machine.descriptor, identifier: 0, runByteCount: kvm.runByteCount)
        let leaves = CPUIDLeaves(
            supported: try kvm.supportedCPUID(), identifier: 0, count: 1, hasDeadlineTimer: false)
        try processor.reset(leaves)
        try processor.enter(entry)
        let processors = Processors([processor])
        // The memory must exist as long as a processor may run.
        processors.start { [memory] exit in
            _ = memory
            if case .write(.port(port), _) = exit { return .end(.finished) }
            return .end(.failed("the trial guest made an unexpected exit"))
        }
        return ending(of: processors, within: budget) == .finished
    }

    private static func ending(of processors: Processors, within budget: UInt64) -> Machine.StopReason {
        let (latest, pause) = (monotonicNanoseconds() + schedulingTimeout, budget / 20)
        while processors.processorTime < budget, monotonicNanoseconds() < latest {
            if let ending = processors.stopReason(until: monotonicNanoseconds() + pause) { return ending }
        }
        return processors.wait(until: 0) ?? .timedOut
    }

    /// Writes the code, the descriptors, and page tables with one page of 2 MiB that maps it all.
    private static func put(_ entry: EntryState, _ memory: GuestMemory) throws(MachineError) {
        do throws(GuestFault) {
            let tables = BootLayout.pageTables
            let byteCount = UInt64(PageTableEntry.tableByteCount)
            for (address, value) in [
                (tables, (tables + byteCount) | PageTableEntry.table),
                (tables + byteCount, (tables + 2 * byteCount) | PageTableEntry.table),
                (tables + 2 * byteCount, PageTableEntry.largePage),
            ] { try memory.store(value, at: address) }
            for (index, descriptor) in entry.descriptors.enumerated() {
                try memory.store(
                    descriptor, at: BootLayout.gdt + UInt64(index * EntryState.SegmentRegister.descriptorByteCount))
            }
            try memory.write(code, at: entry.rip)
        } catch { preconditionFailure("2 MiB hold the trial guest") }
    }
}

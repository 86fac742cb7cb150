// A processor's state, saved and restored in the orders in which KVM keeps its parts consistent (Linux:
// Documentation/virt/kvm/api.rst). Firecracker found these orders one after another.

internal import CKVM
internal import Glibc
internal import Linux
internal import SystemPackage

/// The whole state of one processor; only the same kind of KVM can read it.
struct ProcessorState {
    private typealias MSR = ModelSpecificRegister

    /// The size of `struct kvm_xsave` without its flexible end, in bytes.
    private static let xsaveMinimum = 4096
    /// XSAVE areas are larger on processors with more state, but never this large.
    private static let xsaveLimit = 1 << 16
    private static let cpuidLimit = 4096
    private static let msrLimit = 4096

    private var run = kvm_mp_state()
    private var registers = kvm_regs()
    private var sregs = kvm_sregs()
    private var xsave: [UInt8]
    private var xcrs = kvm_xcrs()
    private var debugRegisters = kvm_debugregs()
    private var lapic = kvm_lapic_state()
    private var tscKHz: UInt32 = 0
    private var cpuid: [kvm_cpuid_entry2] = []
    private var msrs: [kvm_msr_entry] = []
    private var events = kvm_vcpu_events()

    /// Reads a parked processor.
    ///
    /// - Parameter layout: the sizes and register numbers of this KVM.
    init(of processor: Processor, _ layout: ProcessorStateLayout) throws(MachineError) {
        // First, because it includes pending events of the local APIC.
        try processor.get("KVM_GET_MP_STATE", ckvm_get_mp_state, into: &run)
        try processor.get("KVM_GET_REGS", ckvm_get_registers, into: &registers)
        try processor.get("KVM_GET_SREGS", ckvm_get_special_registers, into: &sregs)
        xsave = [UInt8](repeating: 0, count: max(ProcessorState.xsaveMinimum, layout.xsaveByteCount))
        let request = layout.xsaveByteCount > 0 ? ckvm_get_xsave2 : ckvm_get_xsave
        try processor.transfer("KVM_GET_XSAVE", request, through: &xsave)
        try processor.get("KVM_GET_XCRS", ckvm_get_xcrs, into: &xcrs)
        try processor.get("KVM_GET_DEBUGREGS", ckvm_get_debug_registers, into: &debugRegisters)
        try processor.get("KVM_GET_LAPIC", ckvm_get_lapic, into: &lapic)
        tscKHz = UInt32(
            try kvm("KVM_GET_TSC_KHZ") { ckvm_ioctl_number(processor.descriptor.rawValue, ckvm_get_tsc_khz, 0) })
        cpuid = try processor.cpuid()
        msrs = ProcessorState.armed(processor.msrIndices(layout.msrIndices))
        // Last, because reading the others may complete pending events.
        try processor.get("KVM_GET_VCPU_EVENTS", ckvm_get_events, into: &events)
    }

    /// Arms an expired timer: its deadline reads as 0 and would never fire again, so it is set to now.
    private static func armed(_ registers: [kvm_msr_entry]) -> [kvm_msr_entry] {
        guard let now = registers.first(where: { $0.index == MSR.timeStampCounter }) else { return registers }
        return registers.map { register in
            var register = register
            if register.index == MSR.tscDeadline, register.data == 0 { register.data = now.data }
            return register
        }
    }

    /// Restores a processor that has not run yet.
    ///
    /// - Parameter isFirst: true if no other processor of the machine was restored before.
    func restore(to processor: Processor, isFirst: Bool, _ layout: ProcessorStateLayout) throws(MachineError) {
        // The kernel reads as many bytes as its own area has.
        guard xsave.count >= layout.xsaveByteCount else {
            throw .brokenSnapshot("this processor has more XSAVE state than the snapshot")
        }
        try processor.setCPUID(cpuid)
        let now = try kvm("KVM_GET_TSC_KHZ") { ckvm_ioctl_number(processor.descriptor.rawValue, ckvm_get_tsc_khz, 0) }
        if ProcessorState.differ(UInt32(now), tscKHz) {
            try kvm("KVM_SET_TSC_KHZ") {
                ckvm_ioctl_number(processor.descriptor.rawValue, ckvm_set_tsc_khz, UInt(tscKHz))
            }
        }
        try processor.set("KVM_SET_MP_STATE", ckvm_set_mp_state, to: run)
        try processor.set("KVM_SET_REGS", ckvm_set_registers, to: registers)
        try processor.set("KVM_SET_SREGS", ckvm_set_special_registers, to: sregs)
        var area = xsave
        try processor.transfer("KVM_SET_XSAVE", ckvm_set_xsave, through: &area)
        try processor.set("KVM_SET_XCRS", ckvm_set_xcrs, to: xcrs)
        try processor.set("KVM_SET_DEBUGREGS", ckvm_set_debug_registers, to: debugRegisters)
        // After the special registers, which hold its base; before the model-specific ones, which hold its timer.
        try processor.set("KVM_SET_LAPIC", ckvm_set_lapic, to: lapic)
        if isFirst { try resetTSC(of: processor) }
        try restoreMSRs(to: processor)
        try processor.set("KVM_SET_VCPU_EVENTS", ckvm_set_events, to: events)
        // Only a guest that uses kvmclock needs this; KVM refuses it for others, which is harmless.
        _ = ckvm_ioctl_number(processor.descriptor.rawValue, ckvm_kvmclock_control, 0)
    }

    /// Sets the time stamp counter to a value far from every guest's.
    ///
    /// KVM takes a write within one second of the machine's last value for an attempt to synchronize processors. It
    /// then keeps the last value. Before Linux 6.7 (x86: "Don't sync user-written TSC against startup values") this
    /// includes the 0 of a new machine. A guest that was saved in its first second would then continue with a counter,
    /// and so with timers, that are late by as much. The other processors should be synchronized with the first.
    private func resetTSC(of processor: Processor) throws(MachineError) {
        guard var counter = msrs.first(where: { $0.index == MSR.timeStampCounter }) else { return }
        counter.data &+= 1 << 40
        try processor.restoreMSRs([counter])
    }

    /// Restores the counter before the deadline, which KVM compares with it.
    private func restoreMSRs(to processor: Processor) throws(MachineError) {
        let deadline = msrs.filter { $0.index == MSR.tscDeadline }
        try processor.restoreMSRs(msrs.filter { $0.index != MSR.tscDeadline })
        try processor.restoreMSRs(deadline)
    }

    /// True if two frequencies differ; the same counter may be measured with a deviation of up to 250 ppm.
    private static func differ(_ one: UInt32, _ other: UInt32) -> Bool {
        let distance = one > other ? one - other : other - one
        return UInt64(distance) * 1_000_000 > UInt64(other) * 250
    }

    // MARK: Bytes

    func save(to writer: inout StateWriter) {
        writer.put(raw: run)
        writer.put(raw: registers)
        writer.put(raw: sregs)
        writer.put(xsave)
        writer.put(raw: xcrs)
        writer.put(raw: debugRegisters)
        writer.put(raw: lapic)
        writer.put(tscKHz)
        writer.put(rawList: cpuid)
        writer.put(rawList: msrs)
        writer.put(raw: events)
    }

    init(from reader: inout StateReader) throws(MachineError) {
        xsave = []
        try reader.read(raw: &run)
        try reader.read(raw: &registers)
        try reader.read(raw: &sregs)
        xsave = try reader.string(limit: ProcessorState.xsaveLimit)
        guard xsave.count >= ProcessorState.xsaveMinimum else {
            throw .brokenSnapshot("a processor's XSAVE area is truncated")
        }
        try reader.read(raw: &xcrs)
        try reader.read(raw: &debugRegisters)
        try reader.read(raw: &lapic)
        tscKHz = try reader.number()
        cpuid = try reader.rawList(of: kvm_cpuid_entry2(), limit: ProcessorState.cpuidLimit)
        msrs = try reader.rawList(of: kvm_msr_entry(), limit: ProcessorState.msrLimit)
        try reader.read(raw: &events)
    }
}

/// The parts of a processor's state that have no fixed size in this KVM.
struct ProcessorStateLayout {
    /// The numbers of the model-specific registers.
    let msrIndices: [UInt32]
    /// The size of an XSAVE area in bytes; 0 if KVM doesn't report it.
    let xsaveByteCount: Int

    init(_ kvm: borrowing KVM) throws(MachineError) {
        msrIndices = try kvm.msrIndices()
        xsaveByteCount = Int(kvm.extent(of: KVM_CAP_XSAVE2))
    }
}

extension Processor {
    /// The number of registers for one call; KVM takes fewer than 256 (MAX_IO_MSRS).
    private static let msrBatch = 128

    /// Passes an area of bytes to the kernel, which knows the size that it uses.
    fileprivate func transfer(_ call: String, _ request: UInt, through bytes: inout [UInt8]) throws(MachineError) {
        let number = descriptor.rawValue
        let result = unsafe bytes.withUnsafeMutableBytes { unsafe ckvm_ioctl(number, request, $0.baseAddress) }
        guard result >= 0 else { throw .refused(call, Errno(rawValue: errno)) }
    }

    fileprivate func cpuid() throws(MachineError) -> [kvm_cpuid_entry2] {
        let number = descriptor.rawValue
        return try unsafe list("KVM_GET_CPUID2", of: kvm_cpuid_entry2()) { unsafe ckvm_get_cpuid(number, $0, $1) }
    }

    /// Reads the readable registers, in the order of `indices`; KVM lists some that it doesn't have.
    fileprivate func msrIndices(_ indices: [UInt32]) -> [kvm_msr_entry] {
        var read: [kvm_msr_entry] = []
        var rest = indices[...]
        while !rest.isEmpty {
            var entries = rest.prefix(Processor.msrBatch).map { index in
                var entry = kvm_msr_entry()
                entry.index = index
                return entry
            }
            let count = unsafe entries.withUnsafeMutableBufferPointer {
                unsafe ckvm_get_msrs(descriptor.rawValue, $0.baseAddress, UInt32($0.count))
            }
            let good = max(0, Int(count))
            read += entries.prefix(good)
            rest = rest.dropFirst(good == entries.count ? good : good + 1)
        }
        return read
    }

    /// Sets registers; accepts a register that KVM refuses if it has the value already.
    fileprivate func restoreMSRs(_ registers: [kvm_msr_entry]) throws(MachineError) {
        var rest = registers[...]
        while !rest.isEmpty {
            let chunk = Array(rest.prefix(Processor.msrBatch))
            let count = unsafe chunk.withUnsafeBufferPointer {
                unsafe ckvm_set_msrs(descriptor.rawValue, $0.baseAddress, UInt32($0.count))
            }
            let good = max(0, Int(count))
            rest = rest.dropFirst(good)
            guard good < chunk.count else { continue }
            let refused = chunk[good]
            guard msrIndices([refused.index]).first?.data == refused.data else {
                throw .brokenSnapshot("this processor refuses register 0x" + String(refused.index, radix: 16))
            }
            rest = rest.dropFirst()
        }
    }
}

extension StateWriter {
    /// Appends a structure of the kernel as it is in memory.
    mutating func put<Value>(raw value: Value) {
        var copy = value
        unsafe put(withUnsafeBytes(of: &copy) { unsafe Array($0) })
    }

    /// Appends a list of such structures.
    mutating func put<Value>(rawList values: [Value]) {
        put(UInt32(values.count))
        for value in values { put(raw: value) }
    }
}

extension StateReader {
    /// Reads a structure that must have exactly the size of this kernel's.
    mutating func read<Value>(raw value: inout Value) throws(MachineError) {
        let bytes = try string(limit: MemoryLayout<Value>.size)
        guard bytes.count == MemoryLayout<Value>.size else {
            throw .brokenSnapshot("a part has \(bytes.count) bytes, not \(MemoryLayout<Value>.size)")
        }
        unsafe withUnsafeMutableBytes(of: &value) { unsafe $0.copyBytes(from: bytes) }
    }

    /// Reads a list of at most `limit` such structures.
    mutating func rawList<Value>(of empty: Value, limit: Int) throws(MachineError) -> [Value] {
        let count = Int(try number(UInt32.self))
        guard count <= limit else { throw .brokenSnapshot("a list has \(count) entries, not at most \(limit)") }
        var values: [Value] = []
        for _ in 0..<count {
            var value = empty
            try read(raw: &value)
            values.append(value)
        }
        return values
    }
}

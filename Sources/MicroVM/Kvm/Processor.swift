internal import CKVM
internal import Glibc
internal import Linux
internal import SystemPackage

/// One virtual processor: its registers, and one step of its run loop.
///
/// Sendable because each method is one ioctl on a descriptor that never changes. Only the processor's own thread calls
/// ``step()``. Its state is read and written only while that thread is parked.
@safe final class Processor: @unchecked Sendable {
    /// The reason why the guest's code stopped running.
    @safe enum Exit {
        /// A write to a port or to an address without memory: `size` bytes, `count` times.
        case write(BusAddress, UnsafeRawBufferPointer)
        /// A read there; the guest gets the content of the buffer.
        case read(BusAddress, UnsafeMutableRawBufferPointer)
        /// It halted, and no interrupt can come.
        case halted
        /// It shut down by a triple fault, which is also a kernel's way to reset a machine.
        case shutDown
        /// A call of ``interrupt()`` or a signal.
        case interrupted
        /// The processor can't continue the guest.
        case failed(String)
    }

    enum BusAddress {
        case port(UInt16)
        case memory(UInt64)
    }

    let identifier: UInt32
    let descriptor: OwnedDescriptor
    private let shared: UnsafeMutablePointer<kvm_run>
    private let sharedByteCount: Int

    /// Adds a processor to a machine.
    init(machine: borrowing OwnedDescriptor, identifier: UInt32, runByteCount: Int) throws(MachineError) {
        self.identifier = identifier
        let number = machine.rawValue
        descriptor = OwnedDescriptor(
            owning: try kvm("KVM_CREATE_VCPU") { ckvm_ioctl_number(number, ckvm_create_vcpu, UInt(identifier)) })
        sharedByteCount = runByteCount
        let mapping = unsafe mmap(nil, runByteCount, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.rawValue, 0)
        guard let mapping = unsafe mapping, unsafe mapping != MAP_FAILED else {
            throw .host("map a processor's shared page", nil, Errno(rawValue: errno))
        }
        unsafe shared = mapping.bindMemory(to: kvm_run.self, capacity: 1)
    }

    deinit { unsafe munmap(shared, sharedByteCount) }

    /// Runs the guest until its next exit, or until a call of ``interrupt()``.
    func step() -> Exit {
        let result = ckvm_ioctl(descriptor.rawValue, ckvm_run, nil)
        if result < 0 {
            let code = errno
            if code == EINTR || code == EAGAIN { return .interrupted }
            return .failed("KVM_RUN failed: \(Errno(rawValue: code))")
        }
        var exit = unsafe ckvm_exit()
        unsafe ckvm_decode_exit(shared, &exit)
        switch unsafe Int(exit.reason) {
        case ckvm_exit_io: return unsafe access(.port(exit.port), exit)
        case ckvm_exit_mmio: return unsafe access(.memory(exit.address), exit)
        case ckvm_exit_hlt: return .halted
        case ckvm_exit_shutdown, ckvm_exit_system_event: return .shutDown
        case ckvm_exit_interrupted: return .interrupted
        case ckvm_exit_fail_entry:
            return unsafe .failed("the processor rejected the guest's state (reason \(exit.detail))")
        case ckvm_exit_internal_error:
            return unsafe .failed("KVM cannot continue (internal error \(exit.detail))")
        default: return unsafe .failed("KVM exited with the unknown reason \(exit.reason)")
        }
    }

    private func access(_ place: BusAddress, _ exit: ckvm_exit) -> Exit {
        let count = unsafe Int(exit.size) * Int(exit.count)
        let bytes = unsafe UnsafeMutableRawBufferPointer(start: exit.data, count: count)
        return unsafe exit.is_write != 0 ? .write(place, UnsafeRawBufferPointer(bytes)) : .read(place, bytes)
    }

    /// Makes the current or the next ``step()`` return at once, after it has completed a pending access.
    func interrupt() { unsafe ckvm_set_immediate_exit(shared, 1) }

    /// Allows steps to run again.
    func clearInterrupt() { unsafe ckvm_set_immediate_exit(shared, 0) }

    /// Reads one structure of the processor's state.
    func get<State>(_ call: String, _ request: UInt, into state: inout State) throws(MachineError) {
        try exchange(call, on: descriptor.rawValue, request: request, &state)
    }

    /// Writes one structure of the processor's state.
    func set<State>(_ call: String, _ request: UInt, to state: State) throws(MachineError) {
        var copy = state
        try exchange(call, on: descriptor.rawValue, request: request, &copy)
    }

    /// Sets the guest's CPUID leaves; call it before model-specific registers are set, which depend on it.
    func setCPUID(_ leaves: [kvm_cpuid_entry2]) throws(MachineError) {
        try kvm("KVM_SET_CPUID2") {
            unsafe leaves.withUnsafeBufferPointer {
                unsafe ckvm_set_cpuid(descriptor.rawValue, $0.baseAddress, UInt32($0.count))
            }
        }
    }

    /// Sets model-specific registers; KVM refuses invalid values.
    func setMSRs(_ registers: [kvm_msr_entry]) throws(MachineError) {
        let count = try kvm("KVM_SET_MSRS") {
            unsafe registers.withUnsafeBufferPointer {
                unsafe ckvm_set_msrs(descriptor.rawValue, $0.baseAddress, UInt32($0.count))
            }
        }
        guard Int(count) == registers.count else {
            throw .refused("register 0x" + String(registers[Int(count)].index, radix: 16), .invalidArgument)
        }
    }
}

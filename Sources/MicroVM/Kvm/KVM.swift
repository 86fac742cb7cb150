internal import CKVM
internal import Glibc
internal import Linux
internal import SystemPackage

/// The kernel's KVM, open and with all capabilities that a machine needs.
struct KVM: ~Copyable {
    /// The capabilities that every machine uses, named as in the kernel's documentation.
    private static let needed: [(name: String, number: Int32)] = [
        ("KVM_CAP_IRQCHIP", KVM_CAP_IRQCHIP), ("KVM_CAP_USER_MEMORY", KVM_CAP_USER_MEMORY),
        ("KVM_CAP_SET_TSS_ADDR", KVM_CAP_SET_TSS_ADDR), ("KVM_CAP_EXT_CPUID", KVM_CAP_EXT_CPUID),
        ("KVM_CAP_MP_STATE", KVM_CAP_MP_STATE), ("KVM_CAP_IRQFD", KVM_CAP_IRQFD),
        ("KVM_CAP_IOEVENTFD", KVM_CAP_IOEVENTFD), ("KVM_CAP_VCPU_EVENTS", KVM_CAP_VCPU_EVENTS),
        ("KVM_CAP_XSAVE", KVM_CAP_XSAVE), ("KVM_CAP_XCRS", KVM_CAP_XCRS), ("KVM_CAP_DEBUGREGS", KVM_CAP_DEBUGREGS),
        ("KVM_CAP_ADJUST_CLOCK", KVM_CAP_ADJUST_CLOCK), ("KVM_CAP_IMMEDIATE_EXIT", KVM_CAP_IMMEDIATE_EXIT),
        ("KVM_CAP_READONLY_MEM", KVM_CAP_READONLY_MEM),
    ]

    private let device: OwnedDescriptor
    /// The size of the structure that a processor shares with us, in bytes.
    let runByteCount: Int

    /// Opens KVM.
    ///
    /// - Throws: ``MachineError/unavailable(_:_:)`` or ``MachineError/incapable(_:)``.
    init(at path: FilePath = "/dev/kvm") throws(MachineError) {
        try self.init(KVM.open(path))
    }

    /// Takes over an open `/dev/kvm`.
    init(_ opened: consuming OwnedDescriptor) throws(MachineError) {
        let number = opened.rawValue
        let version = ckvm_ioctl_number(number, ckvm_get_api_version, 0)
        guard version == KVM_API_VERSION else {
            throw .incapable("API version \(KVM_API_VERSION), it has \(version)")
        }
        for (name, capability) in KVM.needed where KVM.extent(of: capability, number) <= 0 { throw .incapable(name) }
        let count = try kvm("KVM_GET_VCPU_MMAP_SIZE") { ckvm_ioctl_number(number, ckvm_get_vcpu_mmap_size, 0) }
        device = opened
        runByteCount = Int(count)
    }

    /// Opens the device without a check of its capabilities.
    static func open(_ path: FilePath) throws(MachineError) -> OwnedDescriptor {
        do throws(SystemError) { return try OwnedDescriptor(path, .readWrite) } catch {
            throw .unavailable(path, error.errno)
        }
    }

    /// The result of `KVM_CHECK_EXTENSION` for a capability; 0 if KVM doesn't have it.
    func extent(of capability: Int32) -> Int32 { KVM.extent(of: capability, device.rawValue) }

    /// True if local APICs have a timer mode with a TSC deadline.
    var hasDeadlineTimer: Bool { extent(of: KVM_CAP_TSC_DEADLINE_TIMER) > 0 }

    private static func extent(of capability: Int32, _ descriptor: Int32) -> Int32 {
        ckvm_ioctl_number(descriptor, ckvm_check_extension, UInt(capability))
    }

    /// Makes a machine without memory, processors and devices.
    func makeMachine() throws(MachineError) -> OwnedDescriptor {
        let number = device.rawValue
        return OwnedDescriptor(owning: try kvm("KVM_CREATE_VM") { ckvm_ioctl_number(number, ckvm_create_vm, 0) })
    }

    /// The leaves of the processor's name and its first-level caches: KVM lists them but leaves them empty.
    private static let own = CPUIDLeaf.brandString...CPUIDLeaf.l1Cache

    /// Returns the CPUID leaves that KVM can show to a guest on this processor.
    func supportedCPUID() throws(MachineError) -> [kvm_cpuid_entry2] {
        var leaves = try unsafe list("KVM_GET_SUPPORTED_CPUID", of: kvm_cpuid_entry2()) {
            unsafe ckvm_supported_cpuid(device.rawValue, $0, $1)
        }
        for index in leaves.indices where KVM.own.contains(leaves[index].function) {
            unsafe ckvm_own_cpuid(&leaves[index])
        }
        return leaves
    }

    /// Returns the numbers of the model-specific registers that are part of a processor's state.
    func msrIndices() throws(MachineError) -> [UInt32] {
        try unsafe list("KVM_GET_MSR_INDEX_LIST", of: 0) { unsafe ckvm_msr_indices(device.rawValue, $0, $1) }
    }
}

/// Runs one ioctl, and repeats it after EINTR.
@discardableResult
func kvm(_ call: String, _ body: () -> Int32) throws(MachineError) -> Int32 {
    while true {
        let result = body()
        if result >= 0 { return result }
        if errno != EINTR { throw .refused(call, Errno(rawValue: errno)) }
    }
}

/// Passes one structure to an ioctl that reads it, fills it in, or both.
func exchange<State>(
    _ call: String, on descriptor: Int32, request: UInt, _ state: inout State
) throws(MachineError) {
    let result = unsafe withUnsafeMutablePointer(to: &state) { unsafe ckvm_ioctl(descriptor, request, $0) }
    guard result >= 0 else { throw .refused(call, Errno(rawValue: errno)) }
}

/// Runs an ioctl that fills a list, with more room after E2BIG.
func list<Element>(
    _ call: String, of empty: Element, _ body: (UnsafeMutablePointer<Element>?, UInt32) -> Int32
) throws(MachineError) -> [Element] {
    var capacity = 256
    while true {
        var entries = [Element](repeating: empty, count: capacity)
        let count = unsafe entries.withUnsafeMutableBufferPointer { unsafe body($0.baseAddress, UInt32(capacity)) }
        if count >= 0 { return Array(entries.prefix(Int(count))) }
        guard errno == E2BIG, capacity < 65_536 else { throw .refused(call, Errno(rawValue: errno)) }
        capacity *= 4
    }
}

/// Numbers of leaves (Intel SDM, volume 2A, CPUID; the last four: AMD's APM, volume 3, appendix E).
enum CPUIDLeaf {
    static let features: UInt32 = 0x1
    static let deterministicCache: UInt32 = 0x4
    static let performanceMonitoring: UInt32 = 0xA
    static let extendedTopology: UInt32 = 0xB
    static let v2ExtendedTopology: UInt32 = 0x1F
    static let brandString: UInt32 = 0x8000_0002
    static let l1Cache: UInt32 = 0x8000_0005
    static let sizes: UInt32 = 0x8000_0008
    static let cacheProperties: UInt32 = 0x8000_001D
    static let topology: UInt32 = 0x8000_001E
}

/// Fields of these leaves.
enum CPUIDField {
    // Of EBX; the line size of CLFLUSH counts 8 bytes.
    static let brandIndexMask: UInt32 = 0xFF
    static let clflushShift: UInt32 = 8
    static let logicalProcessorsShift: UInt32 = 16
    static let initialAPICIDShift: UInt32 = 24
    // Of ECX.
    static let pdcm: UInt32 = 1 << 15
    static let tscDeadline: UInt32 = 1 << 24
    /// Always 0 on a processor itself (KVM: Documentation/virt/kvm/x86/cpuid.rst).
    static let hypervisor: UInt32 = 1 << 31
    // Of EDX.
    static let htt: UInt32 = 1 << 28
    // Level types of the topology, in ECX.
    static let smtLevel: UInt32 = 1 << 8
    static let coreLevel: UInt32 = 2 << 8
    // Of ECX of the sizes: ApicIdSize and NC, the number of threads less 1.
    static let sizesMask: UInt32 = 0xF0FF
    // Of EAX of a cache: its type and level, and the shifts of the numbers of sharing processors and of cores.
    static let cacheTypeMask: UInt32 = 0x1F
    static let cacheLevelShift: UInt32 = 5
    static let cacheLevelMask: UInt32 = 7
    static let cacheSharingShift: UInt32 = 14
    static let cacheCoresShift: UInt32 = 26
    /// The bits below the sharing that are not reserved.
    static let intelCacheMask: UInt32 = 0x3FF
    static let amdCacheMask: UInt32 = 0x3FFF
}

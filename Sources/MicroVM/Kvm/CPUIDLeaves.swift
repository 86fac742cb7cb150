// A guest's CPUID (Intel SDM volume 2, CPUID; Linux: Documentation/virt/kvm/x86/cpuid.rst).

internal import CKVM

/// The leaves of one processor, made from those that KVM supports.
struct CPUIDLeaves {
    private(set) var entries: [kvm_cpuid_entry2]

    /// - Parameters:
    ///   - supported: the leaves that KVM can show.
    ///   - identifier: the processor's number, which is also its APIC's.
    ///   - count: the number of processors of the machine.
    ///   - hasDeadlineTimer: true if KVM's APIC has the TSC-deadline mode, which `supported` doesn't include.
    init(supported: [kvm_cpuid_entry2], identifier: UInt32, count: UInt32, hasDeadlineTimer: Bool) {
        entries = supported.filter {
            $0.function != CPUIDLeaf.extendedTopology && $0.function != CPUIDLeaf.v2ExtendedTopology
        }
        for index in entries.indices {
            switch entries[index].function {
            case CPUIDLeaf.features:
                CPUIDLeaves.identify(
                    &entries[index], identifier: identifier, count: count, hasDeadlineTimer: hasDeadlineTimer)
            // Event counters belong to the host.
            case CPUIDLeaf.performanceMonitoring: CPUIDLeaves.clear(&entries[index])
            // KVM passes the host's topology through.
            case CPUIDLeaf.deterministicCache:
                entries[index].eax = CPUIDLeaves.share(
                    entries[index].eax, by: count, keeping: CPUIDField.intelCacheMask, cores: count - 1)
            case CPUIDLeaf.sizes:
                entries[index].ecx = (entries[index].ecx & ~CPUIDField.sizesMask) | (count - 1)
            case CPUIDLeaf.cacheProperties:
                entries[index].eax = CPUIDLeaves.share(
                    entries[index].eax, by: count, keeping: CPUIDField.amdCacheMask, cores: 0)
            case CPUIDLeaf.topology: CPUIDLeaves.identifyCore(&entries[index], identifier)
            default: break
            }
        }
        entries += CPUIDLeaves.topology(identifier, count)
    }

    private static func identify(
        _ entry: inout kvm_cpuid_entry2, identifier: UInt32, count: UInt32, hasDeadlineTimer: Bool
    ) {
        let lineSize: UInt32 = 64 / 8
        entry.ebx =
            (entry.ebx & CPUIDField.brandIndexMask) | lineSize << CPUIDField.clflushShift
            | count << CPUIDField.logicalProcessorsShift | identifier << CPUIDField.initialAPICIDShift
        entry.ecx &= ~CPUIDField.pdcm
        entry.ecx |= CPUIDField.hypervisor
        if hasDeadlineTimer { entry.ecx |= CPUIDField.tscDeadline }
        if count > 1 { entry.edx |= CPUIDField.htt } else { entry.edx &= ~CPUIDField.htt }
    }

    /// Sets the sharing of a cache: one thread per core, and each core has its own caches except the third level.
    ///
    /// All cores share the third level, because a scheduler moves threads only among processors with a common cache.
    private static func share(_ cache: UInt32, by count: UInt32, keeping mask: UInt32, cores: UInt32) -> UInt32 {
        guard cache & CPUIDField.cacheTypeMask != 0 else { return cache }
        let level = cache >> CPUIDField.cacheLevelShift & CPUIDField.cacheLevelMask
        let others = level >= 3 ? count - 1 : 0
        return cache & mask | others << CPUIDField.cacheSharingShift | cores << CPUIDField.cacheCoresShift
    }

    private static func identifyCore(_ entry: inout kvm_cpuid_entry2, _ identifier: UInt32) {
        entry.eax = identifier
        entry.ebx = identifier
        entry.ecx = 0
    }

    private static func clear(_ entry: inout kvm_cpuid_entry2) {
        entry.eax = 0
        entry.ebx = 0
        entry.ecx = 0
        entry.edx = 0
    }

    /// Leaf 0xB: a level of threads, one in each core, and a level of cores.
    private static func topology(_ identifier: UInt32, _ count: UInt32) -> [kvm_cpuid_entry2] {
        var width: UInt32 = 0
        while 1 << width < count { width += 1 }
        return [
            topologyLeaf(level: 0, shift: 0, count: 1, type: CPUIDField.smtLevel, identifier),
            topologyLeaf(level: 1, shift: width, count: count, type: CPUIDField.coreLevel, identifier),
        ]
    }

    /// - Parameters:
    ///   - shift: the number of bits of an identifier below the next level.
    ///   - count: the number of processors at this level.
    private static func topologyLeaf(
        level: UInt32, shift: UInt32, count: UInt32, type: UInt32, _ identifier: UInt32
    ) -> kvm_cpuid_entry2 {
        var entry = kvm_cpuid_entry2()
        entry.function = CPUIDLeaf.extendedTopology
        entry.index = level
        entry.flags = UInt32(KVM_CPUID_FLAG_SIGNIFCANT_INDEX)
        entry.eax = shift
        entry.ebx = count
        entry.ecx = type | level
        entry.edx = identifier
        return entry
    }
}

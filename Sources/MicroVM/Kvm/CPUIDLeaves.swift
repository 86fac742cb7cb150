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
        entries = supported.filter { $0.function != 0xB && $0.function != 0x1F }
        for index in entries.indices {
            switch entries[index].function {
            case 0x1: CPUIDLeaves.identify(&entries[index], identifier, count, hasDeadlineTimer)
            // Event counters belong to the host.
            case 0xA: CPUIDLeaves.clear(&entries[index])
            // KVM passes the host's topology through.
            case 0x4:
                entries[index].eax = CPUIDLeaves.share(entries[index].eax, count, keeping: 0x3FF, cores: count - 1)
            case 0x8000_0008: entries[index].ecx = (entries[index].ecx & ~0xF0FF) | (count - 1)
            case 0x8000_001D:
                entries[index].eax = CPUIDLeaves.share(entries[index].eax, count, keeping: 0x3FFF, cores: 0)
            case 0x8000_001E: CPUIDLeaves.identifyCore(&entries[index], identifier)
            default: break
            }
        }
        entries += CPUIDLeaves.topology(identifier, count)
    }

    private static func identify(
        _ entry: inout kvm_cpuid_entry2, _ identifier: UInt32, _ count: UInt32, _ hasDeadlineTimer: Bool
    ) {
        // Bits 8...15: the CLFLUSH line size, in units of 8 bytes.
        entry.ebx = (entry.ebx & 0xFF) | 8 << 8 | count << 16 | identifier << 24
        entry.ecx &= ~(1 << 15)
        entry.ecx |= 1 << 31
        if hasDeadlineTimer { entry.ecx |= 1 << 24 }
        if count > 1 { entry.edx |= 1 << 28 } else { entry.edx &= ~(1 << 28) }
    }

    /// Sets the sharing of a cache: one thread per core, and each core has its own caches except the third level.
    ///
    /// All cores share the third level, because a scheduler moves threads only among processors with a common cache.
    private static func share(_ cache: UInt32, _ count: UInt32, keeping mask: UInt32, cores: UInt32) -> UInt32 {
        let (type, level) = (cache & 0x1F, cache >> 5 & 7)
        guard type != 0 else { return cache }
        return cache & mask | (level >= 3 ? count - 1 : 0) << 14 | cores << 26
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
            leaf(0xB, 0, 0, 1, 0x100, identifier),
            leaf(0xB, 1, width, count, 0x201, identifier),
        ]
    }

    private static func leaf(
        _ function: UInt32, _ index: UInt32, _ eax: UInt32, _ ebx: UInt32, _ ecx: UInt32, _ edx: UInt32
    ) -> kvm_cpuid_entry2 {
        var entry = kvm_cpuid_entry2()
        entry.function = function
        entry.index = index
        entry.flags = UInt32(KVM_CPUID_FLAG_SIGNIFCANT_INDEX)
        entry.eax = eax
        entry.ebx = ebx
        entry.ecx = ecx
        entry.edx = edx
        return entry
    }
}

import CKVM
import Harness
import Testing

@testable import MicroVM

@Suite("A guest's CPUID leaves")
struct CPUIDLeavesTests {
    private static func leaf(_ function: UInt32, _ index: UInt32 = 0, eax: UInt32 = 0, ebx: UInt32 = 0)
        -> kvm_cpuid_entry2
    {
        var entry = kvm_cpuid_entry2()
        (entry.function, entry.index, entry.eax, entry.ebx) = (function, index, eax, ebx)
        return entry
    }

    /// Returns the guest's view of a leaf that KVM supports.
    private static func shown(
        _ supported: kvm_cpuid_entry2, to identifier: UInt32 = 0, of count: UInt32
    ) throws -> kvm_cpuid_entry2 {
        let leaves = CPUIDLeaves(
            supported: [supported], identifier: identifier, count: count, hasDeadlineTimer: false)
        return try #require(
            leaves.entries.first { $0.function == supported.function && $0.index == supported.index })
    }

    @Test(
        "Processors share only third-level caches, and don't see the host's other cores",
        arguments: [
            // Leaf, EAX of a host with many cores and two threads each, processors, EAX of the guest.
            (0x4 as UInt32, 0x7C00_4121 as UInt32, 1 as UInt32, 0x0000_0121 as UInt32),
            (0x4, 0x7C00_4121, 4, 0x0C00_0121), (0x4, 0x7C07_C163, 1, 0x0000_0163),
            (0x4, 0x7C07_C163, 4, 0x0C00_C163), (0x4, 0, 4, 0), (0x8000_001D, 0x4121, 2, 0x0121),
            (0x8000_001D, 0x0001_C163, 1, 0x0163), (0x8000_001D, 0x0001_C163, 8, 0x0001_C163), (0x8000_001D, 0, 8, 0),
        ])
    func shares(function: UInt32, host: UInt32, count: UInt32, guest: UInt32) throws {
        #expect(try Self.shown(Self.leaf(function, eax: host), of: count).eax == guest)
    }

    @Test("Every leaf with a processor number has the right one", arguments: [0, 3] as [UInt32])
    func identifies(number: UInt32) throws {
        #expect(try Self.shown(Self.leaf(0x1, ebx: 0xFF00_0000), to: number, of: 4).ebx >> 24 == number)
        #expect(try Self.shown(Self.leaf(0x8000_001E, eax: 77), to: number, of: 4).eax == number)
        let leaves = CPUIDLeaves(
            supported: [Self.leaf(0xB, eax: 1), Self.leaf(0x1F)], identifier: number, count: 4, hasDeadlineTimer: false)
        #expect(leaves.entries.filter { $0.function == 0xB }.map(\.edx) == [number, number])
        #expect(!leaves.entries.contains { $0.function == 0x1F })
    }
}

@Suite(.enabled(if: ThisMachine.hasKVM, "there is no /dev/kvm that this user may open"))
struct HostCPUIDTests {
    @Test("A guest reads the same processor name as programs of the host")
    func name() throws {
        let leaves = try KVM().supportedCPUID().filter { (0x8000_0002...0x8000_0004).contains($0.function) }
        #expect(leaves.map(\.function) == [0x8000_0002, 0x8000_0003, 0x8000_0004])
        let bytes = leaves.flatMap { leaf in
            [leaf.eax, leaf.ebx, leaf.ecx, leaf.edx].flatMap { word in
                (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
            }
        }
        let name = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self).split(separator: " ")
        let told = try Program.shell("sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1", in: "/")
        #expect(!name.isEmpty)
        #expect(name == told.split { $0 == " " || $0 == "\n" })
    }
}

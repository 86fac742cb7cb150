import Harness
import SystemPackage
import Testing

@testable import MicroVM

@Suite struct BootPlanTests {
    private let scratch: TemporaryDirectory
    private let kernel: KernelImage

    init() throws {
        scratch = try TemporaryDirectory()
        kernel = try KernelImage(opening: scratch.write("kernel", KernelMaker().bytes))
    }

    private func plan(_ memoryBytes: UInt64 = 8 << 20) -> BootPlan {
        BootPlan(kernel: kernel, commandLine: "quiet", memoryBytes: memoryBytes)
    }

    @Test("PVH: the start info leads to command line, initramfs, tables and memory")
    func startInfo() throws {
        let memory = try GuestMemory(byteCount: 8 << 20)
        var plan = plan()
        plan.initramfs = [UInt8](repeating: 5, count: 5000)
        let state = try plan.place(in: memory)
        #expect(state.rip == 0x10_0020)
        #expect((state.cr0, state.cr3, state.cr4, state.efer) == (0x11, 0, 0, 0))
        func number(_ offset: UInt64) throws -> UInt64 { try memory.load(UInt64.self, at: state.rbx + offset) }
        #expect(try memory.load(UInt32.self, at: state.rbx) == 0x336e_c578)
        #expect(try number(8) == 1 << 32)
        #expect(try memory.bytes(at: number(24), count: 6) == Array("quiet\0".utf8))
        #expect(try memory.bytes(at: number(32), count: 8) == Array("RSD PTR ".utf8))
        let list = try number(16)
        #expect(try memory.load(UInt64.self, at: list) == (8 << 20) - 8192)
        #expect(try memory.load(UInt64.self, at: list + 8) == 5000)
        #expect(try memory.bytes(at: (8 << 20) - 8192, count: 5001) == plan.initramfs + [0])
        #expect(try memory.load(UInt32.self, at: state.rbx + 48) == 3)
        let map = try (0..<9).map { index in
            try memory.load(UInt64.self, at: number(40) + 24 * UInt64(index / 3) + 8 * UInt64(index % 3))
        }
        #expect(map == [0, 0x9_fc00, 1, 0x9_fc00, 0x6_0400, 2, 0x10_0000, 0x70_0000, 1])
    }

    @Test("Linux's 64-bit protocol: memory is identity-mapped, and the zero page leads to the rest")
    func zeroPage() throws {
        var maker = KernelMaker()
        maker.pvhEntry = nil
        let kernel = try KernelImage(opening: scratch.write("other", maker.bytes))
        let memory = try GuestMemory(byteCount: 8 << 20)
        let plan = BootPlan(kernel: kernel, initramfs: [1, 2], commandLine: "quiet", memoryBytes: 8 << 20)
        let state = try plan.place(in: memory)
        #expect(state.rip == 0x10_0010)
        #expect((state.cr0, state.cr4, state.efer) == (0x8000_0011, 0x20, 0x500))
        for address in [0, 0x7000, 0x2_0000, 0x10_0010, 0x3fff_ffff, 0x4000_0000, 0xffff_ffff] as [UInt64] {
            #expect(try walk(memory, state.cr3, address) == address)
        }
        #expect(try memory.load(UInt8.self, at: state.rsi + 0x1e8) == 3)
        #expect(try memory.load(UInt64.self, at: state.rsi + 0x70) == 0xe_0000)
        #expect(try memory.load(UInt32.self, at: state.rsi + 0x218) == (8 << 20) - 4096)
        #expect(try memory.load(UInt32.self, at: state.rsi + 0x21c) == 2)
        #expect(try memory.load(UInt32.self, at: state.rsi + 0x228) == 0x2_0000)
        #expect(try memory.load(UInt32.self, at: state.rsi + 0x2d0 + 40 + 16) == 1)
    }

    private func walk(_ memory: GuestMemory, _ root: UInt64, _ address: UInt64) throws -> UInt64 {
        var table = root
        for shift in [39, 30] as [UInt64] {
            let entry = try memory.load(UInt64.self, at: table + 8 * (address >> shift & 511))
            #expect(entry & 0xfff == 3)
            table = entry & ~0xfff
        }
        let entry = try memory.load(UInt64.self, at: table + 8 * (address >> 21 & 511))
        #expect(entry & 0xfff == 0x83)
        return entry & ~0xfff | address & 0x1f_ffff
    }

    @Test("Segment registers match the descriptors in memory")
    func segments() throws {
        let memory = try GuestMemory(byteCount: 8 << 20)
        let state = try plan().place(in: memory)
        let table = try (0..<4).map { try memory.load(UInt64.self, at: state.gdt.base + 8 * UInt64($0)) }
        #expect(table == state.descriptors && state.gdt.limit == 31)
        #expect((state.code.base, state.code.limit, state.code.type) == (0, 0xffff_ffff, 11))
        #expect((state.code.db, state.code.l, state.code.g, state.code.s, state.code.present) == (1, 0, 1, 1, 1))
        #expect((state.data.type, state.data.limit, state.data.selector) == (3, 0xffff_ffff, 16))
        #expect((state.task.limit, state.task.type, state.task.s) == (0x67, 11, 0))
        let long = EntryState.linux64(at: 0)
        #expect((long.code.db, long.code.l, long.code.limit) == (0, 1, 0xffff_ffff))
    }

    @Test("RAM continues at 4 GiB, and persistent memory has its own kind")
    func map() throws {
        let map = try PhysicalMap(
            memoryBytes: 4 << 30, persistent: [PersistentMemory(start: 6 << 30, byteCount: 12 << 20)])
        #expect(map.ranges.map(\.start) == [0, 0x9_fc00, 0x10_0000, 0x1_0000_0000, 0x1_8000_0000])
        let ends: [UInt64] = [0x9_fc00, 0x10_0000, 0xc000_0000, 0x1_4000_0000, 0x1_80c0_0000]
        #expect(map.ranges.map(\.end) == ends)
        #expect(map.ranges.map(\.kind.rawValue) == [1, 2, 1, 1, 12])
    }

    @Test(
        "Persistent memory that is misaligned or overlaps other memory is refused",
        arguments: [
            (0x10_0000, 4096), (3 << 30, 4096), (4 << 30, 4096), (5 << 30, 0), (5 << 30, 100), ((5 << 30) + 4096, 4096),
            (UInt64.max & ~0x1f_ffff, 4 << 20), (5 << 30, UInt64.max & ~4095),
        ] as [(UInt64, UInt64)])
    func persistent(start: UInt64, count: UInt64) {
        #expect(throws: MachineError.self) {
            try PhysicalMap(memoryBytes: 4 << 30, persistent: [PersistentMemory(start: start, byteCount: count)])
        }
    }

    @Test("An error for something that doesn't fit contains the sizes")
    func tooMuch() throws {
        func sentence(_ change: (inout BootPlan) -> Void, memory: UInt64 = 8 << 20) throws -> String {
            var plan = plan(memory)
            change(&plan)
            let memory = try GuestMemory(byteCount: memory)
            do { _ = try plan.place(in: memory) } catch { return error.description }
            return "it was placed"
        }
        #expect(try sentence { $0.commandLine = String(repeating: "a", count: 2047) } == "it was placed")
        #expect(
            try sentence { $0.commandLine = String(repeating: "a", count: 2048) }
                == "the kernel's command line has 2048 bytes; the limit is 2047")
        #expect(
            try sentence { $0.initramfs = [UInt8](repeating: 0, count: 6 << 20) }
                == "the kernel up to 3 MiB and 6 MiB of initramfs do not fit into 8 MiB of memory; give it more")
        #expect(try sentence { $0.initramfs = [UInt8](repeating: 0, count: 5 << 20) } == "it was placed")
        #expect(
            try sentence({ _ in }, memory: 2 << 20)
                == "the kernel reaches up to 3 MiB, but the machine has only 2 MiB of memory there; give it more")
        #expect(try sentence { $0.processors = 0 } == "a machine must have 1 to 254 processors, not 0")
        #expect(try sentence { $0.commandLine = "a\0b" } == "the kernel's command line contains a NUL byte")
    }

    @Test("The generation is at the address that the tables name")
    func generation() throws {
        var plan = plan()
        plan.generation = BootPlan.GenerationID(identifier: Array(1...16), interrupt: 20)
        let memory = try GuestMemory(byteCount: 8 << 20)
        _ = try plan.place(in: memory)
        #expect(try memory.bytes(at: BootLayout.vmGenerationID, count: 17) == Array(1...16) + [0])
    }
}

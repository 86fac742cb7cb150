import Harness
import Linux
import SystemPackage
import Testing

@testable import MicroVM

@Suite(.enabled(if: DebianKernel.path != nil, "no linux-image-cloud-amd64 on this machine"))
struct BootMachineTests {
    enum Way: CaseIterable {
        case pvh, linux64, bzImage
    }

    @Test("Debian's kernel starts from the memory that we prepare, by every protocol", arguments: Way.allCases)
    func start(way: Way) throws {
        let scratch = try TemporaryDirectory()
        let kernel = try open(way, scratch)
        let byteCount: UInt64 = 256 << 20
        let memory = try GuestMemory(byteCount: byteCount)
        let plan = BootPlan(
            kernel: kernel, initramfs: TinyInit.archive,
            commandLine: "console=ttyS0 cryptomgr.notests tsc_early_khz=1000000 panic=-1 reboot=t loglevel=8",
            memoryBytes: byteCount, devices: (0..<3).map(MMIODevice.init),
            persistentMemory: [PersistentMemory(start: 8 << 30, byteCount: 4 << 20)], hasSerialPort: true,
            generation: BootPlan.GenerationID(identifier: [UInt8](1...16), interrupt: 20))
        let state = try plan.place(in: memory)
        let log = try QEMUMachine(memory: memory, state: state).run(in: scratch)
        for text in [TinyInit.line, "Command line: \(plan.commandLine)\n", "smpboot: Allowing 1 CPUs, 0 hotplug CPUs"]
            + ["00:00: ttyS0 at I/O 0x3f8"]
            + ["[mem 0x0000000000000000-0x000000000009fbff] usable", "-0x00000000000fffff] reserved"]
            + ["[mem 0x0000000000100000-0x000000000fffffff] usable"]
            + ["[mem 0x0000000200000000-0x00000002003fffff] persistent (type 12)"]
        { #expect(log.contains(text), "no '\(text)' in:\n\(log)") }
        for line in log.split(separator: "\n") where line.contains("ACPI") {
            #expect(!["Error", "error", "Warning", "BUG", "invalid"].contains { line.contains($0) }, "\(line)")
        }
    }

    private func open(_ way: Way, _ scratch: TemporaryDirectory) throws -> KernelImage {
        let path = try #require(DebianKernel.path)
        switch way {
        case .pvh:
            let kernel = try KernelImage(opening: path, cache: scratch.path)
            guard case .pvh = kernel.entry else { throw ProgramFailure(description: "Debian's kernel has no PVH note") }
            return kernel
        case .linux64:
            _ = try KernelImage(opening: path, cache: scratch.path, named: "vmlinux")
            var bytes = try scratch.read("kernel-vmlinux.elf")
            for index in 0..<Int(try #require(bytes.number(UInt16.self, at: 56))) {
                // Notes become null segments.
                if bytes.number(UInt32.self, at: 64 + 56 * index) == 4 { bytes.set(UInt32(0), at: 64 + 56 * index) }
            }
            let kernel = try KernelImage(opening: scratch.write("no-notes", bytes))
            #expect(kernel.entry == .linux64(0x100_0000))
            return kernel
        case .bzImage:
            let kernel = try KernelImage(opening: path, isUnpacked: false)
            #expect(kernel.entry == .bzImage64(0x100_0000))
            return kernel
        }
    }
}

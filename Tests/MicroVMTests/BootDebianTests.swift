import Glibc
import Linux
import SystemPackage
import Testing

@testable import MicroVM

/// Debian's own kernel, where this machine has one.
enum DebianKernel {
    static let path: FilePath? = {
        let home = unsafe getenv("HOME").map { unsafe String(cString: $0) } ?? "/root"
        for boot in ["/boot", "\(home)/.cache/thaw/kernel/boot"] {
            let names =
                (try? Directory(FilePath(boot)).entries())?.map { String(decoding: $0.name, as: UTF8.self) } ?? []
            let kernels = names.filter { $0.hasPrefix("vmlinuz-") && $0.hasSuffix("-cloud-amd64") }
            if let name = kernels.max() { return FilePath(boot).appending(name) }
        }
        return nil
    }()
}

@Suite(.enabled(if: DebianKernel.path != nil, "no linux-image-cloud-amd64 on this machine"))
struct BootDebianTests {
    @Test("Debian's kernel is unpacked and placed as its file says")
    func place() throws {
        let path = try #require(DebianKernel.path)
        let kernel = try KernelImage(opening: path)
        #expect(kernel.commandLineLimit == 2047)
        guard case .pvh(let entry) = kernel.entry else {
            Issue.record("no PVH entry")
            return
        }
        #expect(kernel.range.contains(entry))
        let memory = try GuestMemory(byteCount: 256 << 20)
        let plan = BootPlan(
            kernel: kernel, initramfs: [1, 2, 3], commandLine: "quiet", memoryBytes: 256 << 20,
            devices: [MMIODevice(slot: 0), MMIODevice(slot: 1)], hasSerialPort: true,
            generation: BootPlan.Generation(identifier: [UInt8](1...16), interrupt: 20))
        let state = try plan.place(in: memory)
        #expect(state.instructionPointer == entry)
    }
}

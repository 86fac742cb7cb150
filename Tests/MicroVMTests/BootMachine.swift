import Glibc
import Harness
import Linux
import SystemPackage
import Testing

@testable import MicroVM

/// QEMU's microvm machine around memory that we have filled.
///
/// No loader of QEMU takes part, only a ROM that puts the processor into the given state.
struct QEMUMachine {
    let memory: GuestMemory
    let state: EntryState

    /// Runs until the guest resets the machine, and returns its output on the serial port.
    func run(in scratch: TemporaryDirectory) throws -> String {
        let file = try scratch.write("memory", [])
        try save(to: file)
        let rom = try scratch.write("rom", resetVector)
        let size = memory.regions[0].byteCount
        let outcome = try Program.run([
            "timeout", "-s", "KILL", "60", "qemu-system-x86_64", "-M",
            "microvm,acpi=off,memory-backend=ram,x-option-roms=off",
            "-object", "memory-backend-file,id=ram,size=\(size),mem-path=\(file),share=off", "-accel", "tcg",
            "-cpu", "max", "-m", "size=\(size / 1024)k", "-bios", rom.string,
            "-icount", "shift=1,sleep=off", "-nodefaults", "-no-user-config", "-nographic", "-serial", "stdio",
            "-no-reboot",
        ])
        guard outcome.status == 0 else { throw ProgramFailure(description: outcome.error + outcome.output) }
        // Removes the terminal's carriage returns; together with a newline they are one character in Swift.
        return String(decoding: outcome.output.utf8.filter { $0 != 0x0d }, as: UTF8.self)
    }

    /// Saves the memory as a file with holes for zeros.
    private func save(to path: FilePath) throws {
        let file = try OwnedDescriptor(path, .readWrite)
        let region = memory.regions[0]
        try file.truncate(to: Int64(region.byteCount))
        let step = 1 << 16
        for start in stride(from: 0, to: Int(region.byteCount), by: step) {
            let bytes = try memory.bytes(at: UInt64(start), count: min(step, Int(region.byteCount) - start))
            if bytes.contains(where: { $0 != 0 }) { try unsafe file.write(bytes.span.bytes, at: Int64(start)) }
        }
    }

    /// A ROM of 64 KiB that ends at 4 GiB: it sets the registers and segments of the state, then jumps.
    private var resetVector: [UInt8] {
        var code: [UInt8] = [0xfa, 0x66, 0x2e, 0x0f, 0x01, 0x16, 0x00, 0x80]
        func load(_ opcode: UInt8, _ value: UInt64) -> [UInt8] {
            var bytes = [opcode]
            bytes.append(little: UInt32(truncatingIfNeeded: value))
            return bytes
        }
        code += [0x66] + load(0xb8, state.cr4) + [0x0f, 0x22, 0xe0]
        code += [0x66] + load(0xb8, state.cr3) + [0x0f, 0x22, 0xd8]
        if state.efer != 0 {
            // Paging activates long mode; only EFER's enable bit must be set before.
            code += [0x66] + load(0xb9, 0xc000_0080) + [0x66, 0x31, 0xd2, 0x66] + load(0xb8, 0x100) + [0x0f, 0x30]
        }
        code += [0x66] + load(0xb8, state.cr0) + [0x0f, 0x22, 0xc0]
        let rest = 0xffff_0000 + UInt64(code.count) + 8
        code += [0x66] + load(0xea, rest)
        code.append(little: state.code.selector)
        code += load(0xb8, UInt64(state.data.selector))
        for register in [0xd8, 0xc0, 0xd0, 0xe0, 0xe8] as [UInt8] { code += [0x8e, register] }
        code += load(0xbc, state.rsp) + load(0xbb, state.rbx) + load(0xbe, state.rsi)
        code += load(0xb8, state.rip) + [0xff, 0xe0]
        var rom = code + [UInt8](repeating: 0xf4, count: 0x1_0000 - code.count)
        rom.set(state.gdt.limit, at: 0x8000)
        rom.set(UInt32(state.gdt.base), at: 0x8002)
        rom.replaceSubrange(0xfff0..<0xfff3, with: [0xe9, 0x0d, 0x00])
        return rom
    }
}

/// A guest's first and only program: it prints one line and resets the machine.
enum TinyInit {
    static let line = "TINY INIT RAN"

    /// An archive with only `/init`.
    static var archive: [UInt8] { entry("init", program, mode: 0o100755) + entry("TRAILER!!!", [], mode: 0) }

    private static var program: [UInt8] {
        let text = Array("\n\(line)\n".utf8)
        var code: [UInt8] = [0xbf, 1, 0, 0, 0, 0x48, 0x8d, 0x35]
        let tail: [UInt8] =
            [0xba, UInt8(text.count), 0, 0, 0, 0xb8, 1, 0, 0, 0, 0x0f, 0x05]
            + [0xbf, 0xad, 0xde, 0xe1, 0xfe, 0xbe, 0x69, 0x19, 0x12, 0x28, 0xba, 0x67, 0x45, 0x23, 0x01]
            + [0x45, 0x31, 0xd2, 0xb8, 169, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xfe]
        code.append(little: UInt32(tail.count))
        code += tail + text
        var maker = KernelMaker()
        maker.parts = [KernelMaker.Part(0x40_0000, code)]
        maker.entry = 0x40_0000
        maker.pvhEntry = nil
        return maker.bytes
    }

    private static func entry(_ name: String, _ content: [UInt8], mode: UInt32) -> [UInt8] {
        let fields: [UInt32] = [
            1, mode, 0, 0, 1, 0, UInt32(content.count), 0, 0, 0, 0, UInt32(name.utf8.count + 1), 0,
        ]
        var bytes = Array("070701".utf8)
        for field in fields {
            let digits = String(field, radix: 16)
            bytes += Array((String(repeating: "0", count: 8 - digits.count) + digits).utf8)
        }
        bytes += Array(name.utf8) + [0]
        bytes += [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4) + content
        return bytes + [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4)
    }
}

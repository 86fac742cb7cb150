// The time until our machine's first instruction, and its memory beyond the guest's.
//
//   MachineStart KERNEL INITRAMFS DISK START     prints, as JSON: milliseconds from START (nanoseconds of the steady
//                                                clock, at the request for this process) and from the machine's making
//                                                to the guest's first instruction, and memory in bytes
//   MachineStart hold KERNEL                     makes a machine and lets its guest run for a minute
//
// The guest is ended after its first instructions; any KVM works, also a software KVM.

import Glibc
import MicroVM
import SystemPackage

private func now() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Reads a whole file of /proc.
private func contents(_ path: String) -> String {
    guard let file = unsafe fopen(path, "r") else { return "" }
    defer { unsafe fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = unsafe fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes.prefix(count), as: UTF8.self)
}

private func run(_ kernel: String, _ initramfs: String, _ disk: String, wanted: UInt64) throws {
    let archive = Array(contents(initramfs).utf8)
    let made = now()
    var configuration = MachineConfiguration(
        kernel: FilePath(kernel), kernelCache: FilePath(kernel).removingLastComponent(), commandLine: ["quiet"],
        initramfs: archive, memoryBytes: 256 << 20)
    configuration.root = FilePath(disk)
    let machine = try MachineProcess(configuration, MachineJail()) { _, _ in .end }
    defer { machine.close() }
    _ = machine.run(until: now() + 20_000_000)
    let overhead = machine.overheadBytes ?? 0
    let fromProcess = Double(machine.enteredAt - min(machine.enteredAt, wanted)) / 1e6
    let fromMaking = Double(machine.enteredAt - made) / 1e6
    print(
        """
        {"fromProcessMs": \(fromProcess), "fromMakingMs": \(fromMaking), "anonymousBytes": \(overhead)}
        """)
}

private func hold(_ kernel: String) throws {
    let configuration = MachineConfiguration(
        kernel: FilePath(kernel), kernelCache: FilePath(kernel).removingLastComponent(), commandLine: [],
        initramfs: [], memoryBytes: 16 << 20)
    let machine = try MachineProcess(configuration, MachineJail()) { _, _ in .proceed() }
    defer { machine.close() }
    _ = machine.run(until: now() + 60_000_000_000)
}

private func complain(_ text: String, _ status: Int32) -> Never {
    var bytes = Array("MachineStart: \(text)\n".utf8)
    _ = unsafe write(2, &bytes, bytes.count)
    exit(status)
}

MachineServer.runIfRequested()
let words = CommandLine.arguments
if words.count == 3, words[1] == "hold" {
    do { try hold(words[2]) } catch { complain("\(error)", 3) }
    exit(0)
}
guard words.count == 5, let wanted = UInt64(words[4]) else {
    complain("usage: MachineStart KERNEL INITRAMFS DISK START", 64)
}
do { try run(words[1], words[2], words[3], wanted: wanted) } catch { complain("\(error)", 3) }

internal import SystemPackage

/// The command line of one QEMU run, made from values only.
///
/// Each word below was measured or is needed: ACPI because Debian's kernel finds virtio-mmio devices in no other way, a
/// second serial line so that frames never mix with what the kernel prints, and a stated counter frequency because the
/// kernel's own calibration fails on a loaded host and then hangs.
///
/// A counted machine has its disk in memory: a virtio disk completes when the host pleases, and the guest's idle clock
/// runs ahead meanwhile (two boots: 805 and 1,137 million instructions). From memory, three of three boots were equal.
struct QemuCommand {
    enum Acceleration: Equatable, Sendable {
        case kvm
        /// The time-stamp counter's frequency in kHz goes to the kernel.
        case emulation(counterFrequency: UInt64)
        /// One instruction is one nanosecond; the guest's only randomness comes from a seed, and its disk is memory.
        case counted(DiskMemory)

        var isCounted: Bool {
            if case .counted = self { return true }
            return false
        }
    }

    var program: String
    /// The kernel, the initramfs and a disk that is memory, by the names that they have in QEMU's jail.
    var paths: (kernel: String, initramfs: String, disk: String) = ("", "", "")
    /// QEMU has a filter of system calls of its own.
    var hasFilter = true
    var memoryBytes: UInt64
    var processors: Int
    var acceleration: Acceleration

    /// The system calls that QEMU gives up: those that no program should use, that gain privileges, that start
    /// programs, and that change priorities.
    static let filter = [
        "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
    ]

    var arguments: [String] {
        [program] + (hasFilter ? QemuCommand.filter : [])
            + ["-M", machine, "-nodefaults", "-no-user-config", "-display", "none"]
            + ["-no-reboot", "-m", "\(memoryMebibytes)", "-smp", String(processors)]
            + accelerator
            + ["-kernel", paths.kernel, "-initrd", paths.initramfs]
            + ["-append", kernelArguments.joined(separator: " ")]
            + passed(QemuJail.Number.console, set: 2) + passed(QemuJail.Number.frames, set: 3)
            + ["-chardev", "file,id=console,path=/dev/fdset/2,append=on", "-serial", "chardev:console"]
            + ["-chardev", "file,id=frames,path=/dev/fdset/3,append=on"]
            + ["-device", "isa-serial,index=1,chardev=frames"]
            + root
    }

    /// A kernel knows memory as a disk only where it has PCI. Where there is no clock it reads one 20,000 times before it
    /// believes that: of the 40,904 exits to QEMU that a boot took, 40,000.
    private var machine: String {
        if case .counted = acceleration { return "microvm,acpi=on,rtc=on,pcie=on" }
        return "microvm,acpi=on,rtc=on,pcie=off"
    }

    private var memoryMebibytes: UInt64 {
        if case .counted(let memory) = acceleration { return memory.total >> 20 }
        return (memoryBytes + (1 << 20) - 1) >> 20
    }

    private var root: [String] {
        if case .counted(let memory) = acceleration {
            return ["-device", "loader,addr=\(memory.start),force-raw=on,file=\(paths.disk)"]
        }
        return passed(QemuJail.Number.disk, set: 1)
            + ["-drive", "if=none,id=root,format=raw,readonly=on,file=/dev/fdset/1"]
            + ["-device", "virtio-blk-device,drive=root"]
    }

    /// A descriptor that QEMU is started with, as `/dev/fdset/SET`.
    private func passed(_ descriptor: Int, set: Int) -> [String] { ["-add-fd", "fd=\(descriptor),set=\(set)"] }

    private var accelerator: [String] {
        switch acceleration {
        case .kvm: ["-accel", "kvm", "-cpu", "host"]
        case .emulation: ["-accel", "tcg", "-cpu", "max"]
        case .counted:
            ["-accel", "tcg", "-cpu", "max", "-icount", "shift=0,sleep=off", "-seed", "1"]
                + ["-rtc", "base=2026-01-01T00:00:00,clock=vm"]
        }
    }

    var kernelArguments: [String] {
        let counter: [String] =
            switch acceleration {
            case .kvm: []
            case .emulation(let frequency): ["tsc_early_khz=\(frequency)"]
            case .counted(let memory):
                ["tsc_early_khz=1000000", "memmap=\(memory.byteCount >> 20)M!\(memory.start >> 20)M"]
            }
        return ["console=ttyS0", "quiet", "cryptomgr.notests", "panic=-1", "reboot=t"] + counter
    }
}

/// Where a disk lies in a machine's memory: above the kernel and below the initramfs, which QEMU puts at the very top.
///
/// ```
/// 0        16 MiB        96 MiB              end                        total, at most 3 GiB
/// +--------+-------------+-------------------+---------------+----------+
/// |        | kernel      | the disk          |               | initramfs|     the initramfs ends below 2 GiB
/// +--------+-------------+-------------------+---------------+----------+
/// ```
/// The disk takes whole pieces of 2 MiB, as the kernel wants it, and does not count as the guest's memory.
struct DiskMemory: Equatable, Sendable {
    let start: UInt64 = 96 << 20
    let byteCount: UInt64
    let total: UInt64

    private static let above: UInt64 = 32 << 20

    init(memoryBytes: UInt64, diskBytes: UInt64) throws(ColdStartError) {
        guard memoryBytes >= start + DiskMemory.above else {
            throw .impossibleScenario("a deterministic machine needs at least 128 MiB of memory")
        }
        guard memoryBytes <= 3 << 30, diskBytes <= (2 << 30) - start - 2 * DiskMemory.above else {
            throw DiskMemory.tooLarge
        }
        byteCount = DiskMemory.rounded(max(diskBytes, 1))
        total = DiskMemory.rounded(memoryBytes) + byteCount
        guard total <= 3 << 30 else { throw DiskMemory.tooLarge }
    }

    private static let tooLarge = ColdStartError.impossibleScenario(
        "a deterministic machine has room for 3 GiB of memory and disk together, and for 1.8 GiB of disk")

    private static func rounded(_ byteCount: UInt64) -> UInt64 { (byteCount + (2 << 20) - 1) & ~((2 << 20) - 1) }
}

internal import SystemPackage

/// The command line of one QEMU run, made from values only.
///
/// Each option below was measured or is required. ACPI: Debian's kernel finds virtio-mmio devices in no other way. A
/// second serial port: frames never mix with the kernel's output. A given counter frequency: the kernel's own
/// calibration fails on a loaded host and then hangs.
///
/// A counted machine has its disk in memory. A virtio disk completes at a time that depends on the host. The guest's
/// idle clock runs ahead meanwhile (two boots: 805 and 1,137 million instructions). With the disk in memory, three of
/// three boots were equal.
struct QemuCommand {
    enum Acceleration: Equatable, Sendable {
        case kvm
        /// The frequency of the time-stamp counter in kHz is passed to the kernel.
        case emulation(counterFrequency: UInt64)
        /// One instruction is one nanosecond; the guest's only randomness is a seed, and its disk is memory.
        case counted(DiskMemory)

        var isCounted: Bool {
            if case .counted = self { return true }
            return false
        }
    }

    var program: String
    /// The paths in QEMU's jail of the kernel, the initramfs and a disk that is memory.
    var paths: (kernel: String, initramfs: String, disk: String) = ("", "", "")
    /// True if QEMU has its own filter of system calls.
    var hasFilter = true
    var memoryBytes: UInt64
    var processors: Int
    var acceleration: Acceleration
    /// The only source of randomness of a counted guest: addresses, hash seeds and entropy depend on it.
    var seed = 1

    /// The system calls that QEMU gives up.
    ///
    /// These are obsolete ones, and those that gain privileges, start programs, or change priorities.
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
            + passed(QemuJail.QemuDescriptor.console, set: 2) + passed(QemuJail.QemuDescriptor.frames, set: 3)
            + ["-chardev", "file,id=console,path=/dev/fdset/2,append=on", "-serial", "chardev:console"]
            + ["-chardev", "file,id=frames,path=/dev/fdset/3,append=on"]
            + ["-device", "isa-serial,index=1,chardev=frames"]
            + root
    }

    /// The machine type with its options.
    ///
    /// A kernel finds memory as a disk only with PCI. Without a real-time clock it reads one 20,000 times before it
    /// gives up: 40,000 of the 40,904 exits to QEMU in a boot.
    var machine: String {
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
        return passed(QemuJail.QemuDescriptor.disk, set: 1)
            + ["-drive", "if=none,id=root,format=raw,readonly=on,file=/dev/fdset/1"]
            + ["-device", "virtio-blk-device,drive=root"]
    }

    /// Passes one of QEMU's descriptors as `/dev/fdset/SET`.
    private func passed(_ descriptor: Int, set: Int) -> [String] { ["-add-fd", "fd=\(descriptor),set=\(set)"] }

    private var accelerator: [String] {
        switch acceleration {
        case .kvm: ["-accel", "kvm", "-cpu", "host"]
        case .emulation: ["-accel", "tcg", "-cpu", "max"]
        case .counted:
            [
                "-accel", "tcg", "-cpu", QemuCommand.countedProcessor, "-icount", "shift=0,sleep=off", "-seed",
                String(seed),
            ]
                + ["-rtc", "base=2026-01-01T00:00:00,clock=vm"]
        }
    }

    /// The processor of counted machines: x86-64-v3, named feature by feature, since `max` grows with QEMU's versions.
    static let countedProcessor =
        "qemu64,-svm,+arat,+lahf_lm,+cx16,+rdtscp,+pdpe1gb,+ssse3,+sse4.1,+sse4.2,+popcnt,+avx,+avx2,+bmi1,+bmi2,+f16c,"
        + "+fma,+movbe,+abm,+xsave,+xsaveopt,+aes,+pclmulqdq,+rdrand,+adx,+fsgsbase,+erms,+smep,+smap"

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

/// The address of a disk in a machine's memory: above the kernel, below the initramfs that QEMU puts at the very top.
///
/// ```
/// 0        16 MiB        96 MiB              end                        total, at most 3 GiB
/// +--------+-------------+-------------------+---------------+----------+
/// |        | kernel      | the disk          |               | initramfs|     the initramfs ends below 2 GiB
/// +--------+-------------+-------------------+---------------+----------+
/// ```
/// The disk takes whole pieces of 2 MiB, as the kernel requires, and is not part of the guest's memory size.
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
        "a deterministic machine is limited to 3 GiB of memory and disk together, and to 1.8 GiB of disk")

    private static func rounded(_ byteCount: UInt64) -> UInt64 { (byteCount + (2 << 20) - 1) & ~((2 << 20) - 1) }
}

internal import SystemPackage

/// The command line of one QEMU run, made from values only.
///
/// Each word below was measured or is needed: ACPI because Debian's kernel finds virtio-mmio devices in no other way, a
/// second serial line so that frames never mix with what the kernel prints, and a stated counter frequency because the
/// kernel's own calibration fails on a loaded host and then hangs.
struct QemuCommand {
    enum Acceleration: Equatable {
        case kvm
        /// The time-stamp counter's frequency in kHz goes to the kernel.
        case emulation(counterFrequency: UInt64)
        /// One instruction is one nanosecond; the guest's only randomness comes from a seed.
        case counted
    }

    var program: String
    var kernel: FilePath
    let initramfs = "/dev/fd/3"
    var disk: FilePath
    var memoryBytes: UInt64
    var processors: Int
    var acceleration: Acceleration

    var arguments: [String] {
        [program, "-M", "microvm,acpi=on,pcie=off,rtc=on", "-nodefaults", "-no-user-config", "-display", "none"]
            + ["-no-reboot", "-m", String((memoryBytes + (1 << 20) - 1) >> 20), "-smp", String(processors)]
            + accelerator
            + ["-kernel", kernel.string, "-initrd", initramfs, "-append", kernelArguments.joined(separator: " ")]
            + ["-chardev", "file,id=console,path=/dev/fd/2", "-serial", "chardev:console"]
            + ["-chardev", "file,id=frames,path=/dev/fd/1", "-device", "isa-serial,index=1,chardev=frames"]
            + ["-drive", "if=none,id=root,format=raw,readonly=on,file=" + disk.string.replacing(",", with: ",,")]
            + ["-device", "virtio-blk-device,drive=root"]
    }

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
            case .counted: ["tsc_early_khz=1000000"]
            }
        return ["console=ttyS0", "quiet", "cryptomgr.notests", "panic=-1", "reboot=t"] + counter
    }
}

internal import Glibc
internal import Guest
internal import Linux
public import SystemPackage

/// Whether a guest may run on the processor itself.
public enum Acceleration: Sendable {
    /// Where it works; else it is emulated, and the measurement says why.
    case automatic
    /// Never.
    case none
}

/// Boots a disk in QEMU's `microvm` machine.
public struct QemuEngine: Engine {
    /// The engine is called `qemu`.
    public let name = "qemu"
    private let disk: FilePath
    private let kernel: Kernel
    private let initialProgram: FilePath
    private let acceleration: Acceleration
    private let isDeterministic: Bool

    /// An engine for one image.
    ///
    /// - Parameters:
    ///   - disk: the image's files as an EROFS file system; it is only read.
    ///   - initialProgram: `thaw-init`, see ``InitialProgram/locate()``.
    ///   - isDeterministic: emulate, count instructions, and give times of the guest's clock that counts them, one
    ///     nanosecond each.
    public init(
        disk: FilePath, kernel: Kernel, initialProgram: FilePath, acceleration: Acceleration = .automatic,
        isDeterministic: Bool = false
    ) {
        self.disk = disk
        self.kernel = kernel
        self.initialProgram = initialProgram
        self.acceleration = acceleration
        self.isDeterministic = isDeterministic
    }

    /// Boots it as often as the scenario says.
    public func measure(_ scenario: Scenario) async throws(ColdStartError) -> Measurement {
        try scenario.validate()
        guard !isDeterministic || scenario.processors == 1 else {
            throw .impossibleScenario("a deterministic machine has exactly one processor")
        }
        let canceller: Canceller
        do throws(SystemError) { canceller = try Canceller() } catch {
            throw .file(error.operation, error.path, error.errno)
        }
        let result = await withTaskCancellationHandler {
            await offloadResult { () throws(ColdStartError) in try measure(scenario, canceller) }
        } onCancel: {
            canceller.cancel()
        }
        return try result.get()
    }

    private func measure(_ scenario: Scenario, _ canceller: Canceller) throws(ColdStartError) -> Measurement {
        let emulator = try Emulator.find()
        var (choice, note) = try accelerate(scenario)
        let files = MachineFiles(
            scenario: scenario, kernel: kernel, initialProgram: initialProgram,
            root: isDeterministic ? .memory : .virtio)
        let initramfs = try files.makeInitramfs()
        var command = QemuCommand(
            program: emulator.program, kernel: kernel.image, disk: disk, memoryBytes: scenario.memoryBytes,
            processors: scenario.processors, acceleration: choice)
        var runs: [Run] = []
        while runs.count < scenario.runs {
            do throws(ColdStartError) {
                let patience = QemuRun.Patience(scenario, choice)
                let run = QemuRun(command: command, scenario: scenario, patience: patience, canceller: canceller)
                runs.append(try run.start(initramfs.rawValue))
            } catch {
                guard choice == .kvm, runs.isEmpty, error.isMachineSilent else { throw error }
                choice = .emulation(counterFrequency: counterFrequency())
                command.acceleration = choice
                note = "KVM did not boot the guest (\(error)), so it was emulated"
            }
        }
        return Measurement(
            runs, engine: name, isAccelerated: choice == .kvm, accelerationNote: note, kernelRelease: kernel.release,
            emulator: emulator.version, probe: scenario.probe)
    }

    /// What to try first, and why it is not KVM.
    private func accelerate(_ scenario: Scenario) throws(ColdStartError) -> (QemuCommand.Acceleration, String?) {
        if isDeterministic {
            let memory = try DiskMemory(memoryBytes: scenario.memoryBytes, diskBytes: try fileSize(disk))
            return (.counted(memory), "instructions can only be counted where the guest is emulated")
        }
        let reason = acceleration == .none ? "emulation was asked for" : KVM.obstacle()
        guard let reason else { return (.kvm, nil) }
        return (.emulation(counterFrequency: counterFrequency()), reason)
    }
}

/// What this machine's KVM is good for.
enum KVM {
    /// Why there is no point in trying it, or `nil`.
    static func obstacle(device: FilePath = "/dev/kvm", modules: FilePath = "/sys/module") -> String? {
        if isAccessible(modules.appending("kvm_pvm").string, F_OK) {
            return "this machine's /dev/kvm is a software KVM (kvm_pvm), on which Linux does not boot"
        }
        if !isAccessible(device.string, F_OK) { return "this machine has no \(device)" }
        if !isAccessible(device.string, R_OK | W_OK) {
            return "\(device) may not be used by this user; members of group kvm may"
        }
        return nil
    }
}

/// The QEMU of this machine.
struct Emulator {
    let program: String
    let version: String

    private static let name = "qemu-system-x86_64"

    static func find() throws(ColdStartError) -> Emulator {
        let places = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
        for place in places.split(separator: ":") {
            let program = "\(place)/\(name)"
            guard isAccessible(program, X_OK) else { continue }
            let lines = String(decoding: try Tool.output([program, "--version"], limit: 1 << 16), as: UTF8.self)
            return Emulator(program: program, version: lines.split(separator: "\n").first.map(String.init) ?? name)
        }
        throw .emulatorMissing(name)
    }
}

/// What a machine boots from besides its disk.
struct MachineFiles {
    let scenario: Scenario
    let kernel: Kernel
    let initialProgram: FilePath
    let root: Root

    /// What the guest sees its disk as.
    enum Root {
        case virtio
        case memory

        var device: String { self == .virtio ? "/dev/vda" : "/dev/pmem0" }

        /// The modules without which Debian's kernel sees no such disk.
        var modules: [String] { self == .virtio ? ["virtio_mmio", "virtio_blk"] : ["nd_pmem", "nd_e820"] }
    }

    static let channel = "/dev/ttyS1"

    /// The archive in a file that has no name any more, so that nothing is left whatever happens.
    func makeInitramfs() throws(ColdStartError) -> OwnedDescriptor {
        let bytes = try archive()
        do throws(SystemError) {
            let file = try OwnedDescriptor.unnamed()
            try file.write(bytes)
            return file
        } catch { throw .file(error.operation, error.path, error.errno) }
    }

    func archive() throws(ColdStartError) -> [UInt8] {
        var orders = Orders(scenario, in: .machine, channel: MachineFiles.channel)
        orders.rootDevice = Array(root.device.utf8)
        var archive = Initramfs()
        archive.addDirectory("dev")
        archive.addCharacterDevice("dev/console", major: 5, minor: 1)
        archive.addDirectory("modules")
        for module in try modules() {
            let path = "modules/\(module.name).ko"
            archive.addFile(path, module.contents)
            orders.modules.append(Array("/\(path)".utf8))
        }
        archive.addFile("init", try readFile(initialProgram, limit: 64 << 20), mode: 0o755)
        archive.addFile("orders", orders.encode(), mode: 0o600)
        return archive.finished()
    }

    private func modules() throws(ColdStartError) -> [ModuleTree.Module] {
        guard let directory = kernel.modules else { return [] }
        return try ModuleTree(directory, release: kernel.release).modules(root.modules + ["erofs", "overlay"])
    }
}

extension OwnedDescriptor {
    /// A new file without a name.
    static func unnamed() throws(SystemError) -> OwnedDescriptor {
        let path = FilePath("/tmp/thaw-\(getpid())-\(hostClock())")
        let file = try OwnedDescriptor(path, [.readWrite, .create, .exclusive], mode: 0o600)
        unsafe unlink(path.string)
        return file
    }
}

internal import Glibc
internal import Guest
internal import Linux
internal import MicroVM
internal import Sandbox
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

    /// Expects that this machine has QEMU; costs a look at a few files.
    public static func expectEmulator() throws(ColdStartError) { _ = try Emulator.path() }

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
            root: isDeterministic ? .memory : .virtio, channel: .serial)
        let initramfs = try files.makeInitramfs()
        let kernelFile = try opened(kernel.image)
        let diskFile = try opened(disk)
        let sources = QemuSources(kernel: kernel.image, disk: disk)
        // Made once: each run's process has ended before the next begins.
        let group = ProcessGroup(
            memory: scenario.memoryBytes + QemuEngine.ownMemory, threads: scenario.processors + QemuEngine.ownThreads)
        var command = QemuCommand(
            program: emulator.program, hasFilter: emulator.hasFilter, memoryBytes: scenario.memoryBytes,
            processors: scenario.processors, acceleration: choice)
        var runs: [Run] = []
        while runs.count < scenario.runs {
            do throws(ColdStartError) {
                let patience = QemuRun.Patience(scenario, choice)
                let run = QemuRun(
                    command: command, scenario: scenario, patience: patience, canceller: canceller, sources: sources,
                    group: group)
                runs.append(
                    try run.start(
                        kernel: kernelFile.rawValue, initramfs: initramfs.rawValue, disk: diskFile.rawValue))
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

    /// What QEMU may use besides the guest's memory: its translations take up to 1 GiB, a counted guest's disk 2 GiB, and
    /// each block request that waits for the host a thread.
    private static let ownMemory: UInt64 = 4 << 30
    private static let ownThreads = 96

    private func opened(_ path: FilePath) throws(ColdStartError) -> OwnedDescriptor {
        do throws(SystemError) { return try OwnedDescriptor(path, [.read, .nonBlocking]) } catch {
            throw .file(error.operation, error.path, error.errno)
        }
    }

    /// What to try first, and why it is not KVM.
    private func accelerate(_ scenario: Scenario) throws(ColdStartError) -> (QemuCommand.Acceleration, String?) {
        if isDeterministic {
            let memory = try DiskMemory(memoryBytes: scenario.memoryBytes, diskBytes: try fileSize(disk))
            return (.counted(memory), "instructions can only be counted where the guest is emulated")
        }
        let reason = acceleration == .none ? "emulation was asked for" : TrialGuest.obstacle()
        guard let reason else { return (.kvm, nil) }
        return (.emulation(counterFrequency: counterFrequency()), reason)
    }
}

/// The QEMU of this machine.
struct Emulator {
    let program: String
    let version: String
    /// It was built with a filter of its own system calls.
    let hasFilter: Bool

    private static let name = "qemu-system-x86_64"

    static func find() throws(ColdStartError) -> Emulator {
        let program = try path()
        // A QEMU without the filter refuses the option.
        if let version = try? version([program] + QemuCommand.filter) {
            return Emulator(program: program, version: version, hasFilter: true)
        }
        return Emulator(program: program, version: try version([program]) + " without seccomp", hasFilter: false)
    }

    private static func version(_ words: [String]) throws(ColdStartError) -> String {
        let lines = String(decoding: try Tool.output(words + ["--version"], limit: 1 << 16), as: UTF8.self)
        return lines.split(separator: "\n").first.map(String.init) ?? name
    }

    static func path() throws(ColdStartError) -> String {
        let places = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
        for place in places.split(separator: ":") where isAccessible("\(place)/\(name)", X_OK) {
            return "\(place)/\(name)"
        }
        throw .emulatorMissing(name)
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

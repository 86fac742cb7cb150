internal import Glibc
internal import Guest
internal import Linux
internal import MicroVM
internal import Sandbox
internal import Synchronization
public import SystemPackage

/// The choice if a guest may run on the processor itself.
public enum Acceleration: Sendable {
    /// Use KVM if it works; else emulate, and report the reason in the measurement.
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
    private let cache: FilePath?
    private let initialProgram: FilePath
    private let acceleration: Acceleration
    private let isDeterministic: Bool
    private let refusal = KvmRefusal()

    /// An engine for one image.
    ///
    /// - Parameters:
    ///   - disk: the image's files as an EROFS file system; it is only read.
    ///   - initialProgram: `thaw-init`, see ``InitialProgram/locate()``.
    ///   - cache: the directory for unpacked kernels; without one a kernel unpacks itself in the guest, at every boot.
    ///   - isDeterministic: emulate, count instructions, and take times from the guest's clock, which counts one
    ///     nanosecond per instruction.
    public init(
        disk: FilePath, kernel: Kernel, initialProgram: FilePath, cache: FilePath? = nil,
        acceleration: Acceleration = .automatic, isDeterministic: Bool = false
    ) {
        self.cache = cache
        self.disk = disk
        self.kernel = kernel
        self.initialProgram = initialProgram
        self.acceleration = acceleration
        self.isDeterministic = isDeterministic
    }

    /// Fails if QEMU is not installed; it only checks a few paths.
    public static func expectEmulator() throws(ColdStartError) { _ = try Emulator.path() }

    /// Boots the disk as often as the scenario requests.
    public func measure(_ scenario: Scenario) async throws(ColdStartError) -> StartMeasurement {
        try scenario.validate()
        DebugLog.event("engine.start", [("engine", name), ("runs", "\(scenario.runs)")])
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

    private func measure(_ scenario: Scenario, _ canceller: Canceller) throws(ColdStartError) -> StartMeasurement {
        let emulator = try Emulator.find(cache: cache)
        var (choice, note) = try accelerate(scenario)
        let files = BootFiles(
            scenario: scenario, kernel: kernel, initialProgram: initialProgram,
            root: isDeterministic ? .memory : .virtio, channel: .serial, cache: cache)
        let initramfs = try files.makeInitramfs()
        let kernelPath = try unpackedKernel()
        let kernelFile = try opened(kernelPath)
        let diskFile = try opened(disk)
        let sources = QemuSources(kernel: kernelPath, disk: disk)
        // Made once: each run's process has ended before the next begins.
        let group = ProcessGroup(
            memory: scenario.memoryBytes + QemuEngine.ownMemory, threads: scenario.processors + QemuEngine.ownThreads)
        var command = QemuCommand(
            program: emulator.program, hasFilter: emulator.hasFilter, memoryBytes: scenario.memoryBytes,
            processors: scenario.processors, acceleration: choice)
        var runs: [StartFigures] = []
        while runs.count < scenario.runs {
            command.seed = scenario.earlierRuns + runs.count + 1
            do throws(ColdStartError) {
                let timeouts = QemuRun.Timeouts(scenario, choice)
                let run = QemuRun(
                    command: command, scenario: scenario, timeouts: timeouts, canceller: canceller, sources: sources,
                    group: group)
                runs.append(
                    try run.start(
                        kernel: kernelFile.rawValue, initramfs: initramfs.rawValue, disk: diskFile.rawValue))
            } catch {
                guard choice == .kvm, runs.isEmpty, error.isMachineSilent else { throw error }
                choice = .emulation(counterFrequency: counterFrequency())
                command.acceleration = choice
                note = "KVM did not boot the guest (\(error)), so it was emulated"
                refusal.reason = note
            }
        }
        var measurement = StartMeasurement(
            runs, engine: name, isAccelerated: choice == .kvm, accelerationNote: note, kernelRelease: kernel.release,
            emulator: emulator.version, probe: scenario.probe)
        measurement.fingerprint = scenario.fingerprint(engine: name)
        measurement.fingerprint.add(command.fingerprint(emulator.version))
        return measurement
    }

    /// Returns the kernel that needs no unpacking in the guest, which costs 12 % of a short boot's instructions.
    private func unpackedKernel() throws(ColdStartError) -> FilePath {
        guard let cache else { return kernel.image }
        do throws(MachineError) { return try UnpackedKernel.path(of: kernel.image, cache: cache) ?? kernel.image } catch
        {
            throw ColdStartError(error)
        }
    }

    /// The limits of QEMU beyond the guest's memory and processors.
    ///
    /// Its translations take up to 1 GiB, a counted guest's disk 2 GiB, and each pending block request takes a thread.
    private static let ownMemory: UInt64 = 4 << 30
    private static let ownThreads = 96

    private func opened(_ path: FilePath) throws(ColdStartError) -> OwnedDescriptor {
        do throws(SystemError) { return try OwnedDescriptor(path, [.read, .nonBlocking]) } catch {
            throw .file(error.operation, error.path, error.errno)
        }
    }

    /// Returns the first choice, and the reason if it is not KVM.
    private func accelerate(_ scenario: Scenario) throws(ColdStartError) -> (QemuCommand.Acceleration, String?) {
        if isDeterministic {
            let memory = try DiskMemory(memoryBytes: scenario.memoryBytes, diskBytes: try fileSize(disk))
            return (.counted(memory), "instructions can only be counted in an emulated guest")
        }
        let reason =
            acceleration == .none
            ? "emulation was requested" : refusal.reason ?? TrialGuest.unavailableReason
        guard let reason else { return (.kvm, nil) }
        return (.emulation(counterFrequency: counterFrequency()), reason)
    }
}

/// The reason that KVM did not boot a guest, so that the next measurement doesn't try it again.
private final class KvmRefusal: Sendable {
    private let state = Mutex<String?>(nil)

    var reason: String? {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}

/// The installed QEMU.
struct Emulator {
    let program: String
    let version: String
    /// True if it was built with its own filter of system calls.
    let hasFilter: Bool

    private static let name = "qemu-system-x86_64"

    /// The one that this process has found before.
    private static let known = Mutex<Emulator?>(nil)

    static func find(cache: FilePath?) throws(ColdStartError) -> Emulator {
        let program = try path()
        if let known = known.withLock({ $0 }), known.program == program { return known }
        let text =
            if let cache, !isScript(program) {
                try StartCache(cache).bytes("emulator", of: FilePath(program)) { () throws(ColdStartError) in
                    try inspect(program)
                }
            } else {
                try inspect(program)
            }
        let version = String(decoding: text, as: UTF8.self)
        let found = Emulator(program: program, version: version, hasFilter: !version.hasSuffix(withoutFilter))
        known.withLock { $0 = found }
        return found
    }

    /// True for a script, whose own QEMU may change while it does not.
    private static func isScript(_ program: String) -> Bool {
        let start = try? OwnedDescriptor(FilePath(program), [.read, .nonBlocking]).read(2)
        return start == Array("#!".utf8)
    }

    private static let withoutFilter = " without seccomp"

    private static func inspect(_ program: String) throws(ColdStartError) -> [UInt8] {
        // A QEMU without the filter rejects the option.
        if let version = try? version([program] + QemuCommand.filter) { return Array(version.utf8) }
        return Array((try version([program]) + withoutFilter).utf8)
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
    /// Creates a file without a name.
    static func unnamed() throws(SystemError) -> OwnedDescriptor {
        let path = FilePath("/tmp/thaw-\(getpid())-\(hostClock())")
        let file = try OwnedDescriptor(path, [.readWrite, .create, .exclusive], mode: 0o600)
        unsafe unlink(path.string)
        return file
    }
}

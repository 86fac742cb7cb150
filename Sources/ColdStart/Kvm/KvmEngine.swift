internal import Linux
internal import MicroVM
internal import Synchronization
public import SystemPackage

/// Boots a disk in our own virtual machine, on the processor itself.
public struct KvmEngine: Engine {
    /// The engine is called `kvm`.
    public let name = "kvm"
    private let disk: FilePath
    private let kernel: Kernel
    private let initialProgram: FilePath
    private let cache: FilePath

    /// An engine for one image.
    ///
    /// - Parameters:
    ///   - disk: the image's files as an EROFS file system; it is only read.
    ///   - initialProgram: `thaw-init`, see ``InitialProgram/locate()``.
    ///   - cache: where a compressed kernel is kept unpacked.
    public init(disk: FilePath, kernel: Kernel, initialProgram: FilePath, cache: FilePath) {
        self.disk = disk
        self.kernel = kernel
        self.initialProgram = initialProgram
        self.cache = cache
    }

    /// Why this machine's KVM cannot run it, or `nil`; found by trying, in at most a third of a second.
    public static func obstacle() -> String? { TrialGuest.obstacle() }

    /// Boots it as often as the scenario says.
    public func measure(_ scenario: Scenario) async throws(ColdStartError) -> Measurement {
        try scenario.validate()
        guard scenario.processors <= MachineConfiguration.processorLimit else {
            throw .impossibleScenario(
                "this engine's machines have at most \(MachineConfiguration.processorLimit) processors")
        }
        if let obstacle = KvmEngine.obstacle() { throw .machineUnavailable(obstacle) }
        let current = CurrentMachine()
        let result = await withTaskCancellationHandler {
            await offloadResult { () throws(ColdStartError) in try measure(scenario, current) }
        } onCancel: {
            current.cancel()
        }
        return try result.get()
    }

    private func measure(_ scenario: Scenario, _ current: CurrentMachine) throws(ColdStartError) -> Measurement {
        let files = MachineFiles(
            scenario: scenario, kernel: kernel, initialProgram: initialProgram, root: .virtio, channel: .doorbell)
        var configuration = MachineConfiguration(
            kernel: kernel.image, kernelCache: cache, commandLine: KvmEngine.commandLine,
            initramfs: try files.archive(), memoryBytes: (scenario.memoryBytes + 0xFFF) & ~0xFFF,
            processors: scenario.processors)
        configuration.root = disk
        var runs: [Run] = []
        while runs.count < scenario.runs {
            runs.append(try KvmRun(configuration: configuration, scenario: scenario, current: current).start())
        }
        return Measurement(
            runs, engine: name, isAccelerated: true, accelerationNote: nil, kernelRelease: kernel.release,
            emulator: nil, probe: scenario.probe)
    }

    /// The console says what a kernel says when it dies; everything else comes by the doorbell.
    private static let commandLine = [
        "console=ttyS0", "quiet", "8250.nr_uarts=1", "cryptomgr.notests", "panic=-1", "reboot=t", "i8042.noaux",
    ]
}

/// The machine that runs now, for whoever wants it to end.
final class CurrentMachine: Sendable {
    private enum State {
        case none
        case running(Machine)
        case cancelled
    }

    private let state = Mutex(State.none)

    /// Takes a machine that is about to run; `false` where it is too late.
    func begin(_ machine: Machine) -> Bool {
        state.withLock { state in
            if case .cancelled = state { return false }
            state = .running(machine)
            return true
        }
    }

    func cancel() {
        let machine: Machine? = state.withLock { state in
            defer { state = .cancelled }
            if case .running(let machine) = state { return machine }
            return nil
        }
        machine?.stop()
    }

    var isCancelled: Bool {
        state.withLock { if case .cancelled = $0 { true } else { false } }
    }
}

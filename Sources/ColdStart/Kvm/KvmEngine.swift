internal import Guest
internal import Linux
internal import MicroVM
internal import Sandbox
internal import Synchronization
public import SystemPackage

/// The moment at which a machine is saved.
public enum SnapshotPoint: String, Sendable, CaseIterable {
    /// After the probe has passed.
    case ready
    /// After the probe has passed, in the middle of another request.
    case request
}

/// Boots a disk in our own virtual machine, on the processor itself.
public struct KvmEngine: Engine {
    /// The use of the machine besides its measurement.
    public enum StartMode: Sendable {
        /// It boots, and ends after the probe has passed.
        case boot
        /// It boots, and is saved after the probe has passed.
        case save(to: FilePath, at: SnapshotPoint)
        /// It continues from a snapshot, and ends after the probe has passed again.
        case restore(from: FilePath)
    }

    /// The engine is called `kvm`.
    public let name = "kvm"
    private let disk: FilePath
    private let subject: String
    private let kernel: Kernel
    private let initialProgram: FilePath
    private let cache: FilePath
    private let startMode: StartMode
    private let scratch: FilePath
    private let network: MachineNetwork
    private let keptMachine: KeptMachine?
    private let root: BootFiles.RootDevice

    /// An engine for one image.
    ///
    /// - Parameters:
    ///   - disk: the image's files as an EROFS file system; it is only read.
    ///   - subject: the identity of the disk, so that a snapshot is not restored with another: the image's digest.
    ///   - initialProgram: `thaw-init`, see ``InitialProgram/locate()``.
    ///   - cache: the directory for unpacked kernels.
    ///   - scratch: a directory for the machine's sockets.
    ///   - keptMachine: the ports and the callback of the last run's machine, if it keeps running after its measurement.
    ///   - isRootMemory: map the disk as guest memory, instead of a block device; it needs a kernel with pmem and DAX.
    public init(
        disk: FilePath, subject: String, kernel: Kernel, initialProgram: FilePath, cache: FilePath,
        startMode: StartMode = .boot, scratch: FilePath, network: MachineNetwork = .none,
        keptMachine: KeptMachine? = nil, isRootMemory: Bool = false
    ) {
        root = isRootMemory ? .memory : .virtio
        self.scratch = scratch
        self.network = network
        self.keptMachine = keptMachine
        self.disk = disk
        self.subject = subject
        self.kernel = kernel
        self.initialProgram = initialProgram
        self.cache = cache
        self.startMode = startMode
    }

    /// Returns the reason why this host's KVM can't be used, or `nil`; tested by a ``TrialGuest``.
    public static func unavailableReason() -> String? {
        let reason = TrialGuest.unavailableReason
        DebugLog.event("engine.trial", [("engine", "kvm"), ("result", reason ?? "runs guests")])
        return reason
    }

    /// Boots or restores the machine as often as the scenario requests.
    public func measure(_ scenario: Scenario) async throws(ColdStartError) -> StartMeasurement {
        try scenario.validate()
        DebugLog.event("engine.start", [("engine", name), ("runs", "\(scenario.runs)")])
        guard scenario.processors <= MachineConfiguration.processorLimit else {
            throw .impossibleScenario("a machine is limited to \(MachineConfiguration.processorLimit) processors")
        }
        if let unavailableReason = KvmEngine.unavailableReason() { throw .machineUnavailable(unavailableReason) }
        let current = CurrentMachine()
        let result = await withTaskCancellationHandler {
            await offloadResult { () throws(ColdStartError) in try measure(scenario, current) }
        } onCancel: {
            current.cancel()
        }
        return try result.get()
    }

    private func measure(_ scenario: Scenario, _ current: CurrentMachine) throws(ColdStartError) -> StartMeasurement {
        let runs =
            switch startMode {
            case .boot: try boot(scenario, current, savingTo: nil, pausePoint: .never)
            case .save(let path, .ready): try boot(scenario, current, savingTo: path, pausePoint: .ready)
            case .save(let path, .request): try boot(scenario, current, savingTo: path, pausePoint: .request)
            case .restore(let path): try restore(scenario, current, from: path)
            }
        return measurement(of: runs, scenario)
    }

    private func measurement(of runs: [StartFigures], _ scenario: Scenario) -> StartMeasurement {
        var measurement = StartMeasurement(
            runs, engine: name, isAccelerated: true, accelerationNote: nil, kernelRelease: kernel.release,
            emulator: nil, probe: scenario.probe)
        measurement.fingerprint = scenario.fingerprint(engine: name)
        measurement.fingerprint.add("cpu", HostProcessor.model)
        measurement.fingerprint.add("commandLine", KvmEngine.commandLine(root).joined(separator: " "))
        return measurement
    }

    private func boot(
        _ scenario: Scenario, _ current: CurrentMachine, savingTo snapshot: FilePath?,
        pausePoint: BootSpec.PausePoint
    ) throws(ColdStartError) -> [StartFigures] {
        if pausePoint != .never || keptMachine != nil, case .log = scenario.probe {
            throw .impossibleScenario("saving or keeping a machine needs a probe other than log:")
        }
        if pausePoint == .request {
            guard case .http = scenario.probe else {
                throw .impossibleScenario("saving a machine in the middle of a request needs an http: probe")
            }
        }
        let files = BootFiles(
            scenario: scenario, kernel: kernel, initialProgram: initialProgram, root: root, channel: .doorbell,
            cache: cache, pausePoint: pausePoint, network: network.addresses, proxiedPorts: try proxiedPorts(scenario))
        var configuration = MachineConfiguration(
            kernel: kernel.image, kernelCache: cache, commandLine: KvmEngine.commandLine(root),
            initramfs: [], memoryBytes: (scenario.memoryBytes + 0xFFF) & ~0xFFF,
            processors: scenario.processors)
        attach(to: &configuration)
        return try repeated(scenario, configuration, current: current) { run throws(ColdStartError) in
            try run.boot(files, savingTo: snapshot, identity: identity(scenario))
        }
    }

    private func restore(
        _ scenario: Scenario, _ current: CurrentMachine, from path: FilePath
    ) throws(ColdStartError) -> [StartFigures] {
        let snapshot: SnapshotFile
        do throws(MachineError) { snapshot = try SnapshotFile(opening: path) } catch { throw ColdStartError(error) }
        guard snapshot.identity == identity(scenario) else {
            var words = Transcript()
            words.append(snapshot.identity)
            let found = words.lastLine ?? ""
            throw .impossibleScenario(
                "the snapshot was made for '\(found)', not for '\(identityText(scenario))'; "
                    + "use the image, --probe, --kernel and --network that it was made with")
        }
        var configuration = MachineConfiguration(
            kernel: kernel.image, kernelCache: cache, commandLine: [], initramfs: [],
            memoryBytes: snapshot.memoryBytes, processors: snapshot.processors)
        attach(to: &configuration)
        let group = KvmEngine.group(configuration)
        var runs: [StartFigures] = []
        while runs.count < scenario.runs {
            do throws(ColdStartError) {
                runs.append(
                    try run(scenario, configuration, current: current, group: group, after: runs).restore(snapshot))
            } catch {
                // A guest whose memory is damaged may do anything. The full check is done only after a failure, to save
                // its time.
                if !current.isCancelled {
                    do throws(MachineError) { try snapshot.expectIntact() } catch { throw ColdStartError(error) }
                }
                throw error
            }
        }
        return runs
    }

    private func attach(to configuration: inout MachineConfiguration) {
        configuration.root = disk
        configuration.rootInterface = root == .memory ? .memory : .block
    }

    private func repeated(
        _ scenario: Scenario, _ configuration: MachineConfiguration, current: CurrentMachine,
        running body: (KvmRun) throws(ColdStartError) -> StartFigures
    ) throws(ColdStartError) -> [StartFigures] {
        let group = KvmEngine.group(configuration)
        var runs: [StartFigures] = []
        while runs.count < scenario.runs {
            runs.append(try body(run(scenario, configuration, current: current, group: group, after: runs)))
        }
        return runs
    }

    /// Makes the control group of a machine's process: the guest's memory, and little more.
    private static func group(_ configuration: MachineConfiguration) -> ProcessGroup? {
        ProcessGroup(memory: configuration.memoryBytes + (512 << 20), threads: configuration.processors + 16)
    }

    /// Makes one run; the last one keeps its machine if requested.
    private func run(
        _ scenario: Scenario, _ configuration: MachineConfiguration, current: CurrentMachine,
        group: ProcessGroup?, after runs: [StartFigures]
    ) -> KvmRun {
        var run = KvmRun(
            configuration: configuration, scenario: scenario, current: current, scratch: scratch, network: network,
            group: group)
        guard let keptMachine, runs.count == scenario.runs - 1 else { return run }
        run.keptMachine = (keptMachine.ports, { keptMachine.onMeasured(measurement(of: runs + [$0], scenario)) })
        return run
    }

    /// The ports that the host connects to: the probe's, and the published ones.
    private func proxiedPorts(_ scenario: Scenario) throws(ColdStartError) -> [UInt16] {
        var ports = Set(keptMachine?.ports.map(\.guest) ?? [])
        if scenario.probeSet == nil, case .http(let probe) = scenario.probe { ports.insert(probe.port) }
        guard ports.count <= BootSpec.proxiedPortLimit else {
            throw .impossibleScenario("at most \(BootSpec.proxiedPortLimit) ports can be published")
        }
        return ports.sorted()
    }

    /// The identity that a snapshot must have to be restored here: the same disk with the same probe.
    private func identity(_ scenario: Scenario) -> [UInt8] { Array(identityText(scenario).utf8) }

    private func identityText(_ scenario: Scenario) -> String {
        "\(subject), \(scenario.probe)" + (network == .none ? "" : ", network \(network.rawValue)")
            + (root == .memory ? ", as memory" : "")
    }

    /// The kernel's command line.
    ///
    /// The console is for the kernel's messages when it crashes, so it is quiet; everything else uses the doorbell. The
    /// machine has no PCI, but a kernel without PCI accepts no memory as a disk.
    private static func commandLine(_ root: BootFiles.RootDevice) -> [String] {
        [
            "quiet", "loglevel=1", "earlycon=uart8250,io,0x3f8", "keep_bootcon", "8250.nr_uarts=0",
            "cryptomgr.notests", "panic=-1", "reboot=t", root == .memory ? "pci=conf1,noearly" : "pci=off",
        ]
    }
}

/// The current machine, for a caller that ends it.
final class CurrentMachine: Sendable {
    private enum State {
        case none
        case running(MachineProcess)
        case cancelled
    }

    private let state = Mutex(State.none)

    /// Sets the machine that is about to run; `false` if it was cancelled before.
    func begin(_ machine: MachineProcess) -> Bool {
        state.withLock { state in
            if case .cancelled = state { return false }
            state = .running(machine)
            return true
        }
    }

    func cancel() {
        let machine: MachineProcess? = state.withLock { state in
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

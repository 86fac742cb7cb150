internal import Guest
public import Linux
internal import Probe
internal import Sandbox
internal import Synchronization
public import SystemPackage

/// Starts an image's files in a container on this host's own kernel: native speed, and no machine to boot.
///
/// PID 1 is the same init as in a machine, and writes the same frames, to its stdout. Probes and marks therefore mean
/// the same everywhere. The container has no network except its own loopback.
public struct ContainerEngine: Engine {
    /// The engine is called `container`.
    public let name = "container"
    private let layers: [FilePath]
    private let ids: IDMap
    private let scratch: FilePath
    private let initialProgram: FilePath

    /// An engine for one image.
    ///
    /// - Parameters:
    ///   - layers: the image's unpacked layers, the topmost first; they are only read.
    ///   - ids: the map of the layers' files, see ``Users/storedIDs(on:)``.
    ///   - scratch: a directory for the files that a start writes, on a file system that supports overlays. It is
    ///     empty afterwards.
    ///   - initialProgram: `thaw-init`, see ``InitialProgram/locate()``.
    public init(layers: [FilePath], ids: IDMap, scratch: FilePath, initialProgram: FilePath) {
        self.layers = layers
        self.ids = ids
        self.scratch = scratch
        self.initialProgram = initialProgram
    }

    /// Starts the image as often as the scenario requests, each time from its unchanged files.
    public func measure(_ scenario: Scenario) async throws(ColdStartError) -> StartMeasurement {
        try scenario.validate()
        DebugLog.event("engine.start", [("engine", name), ("runs", "\(scenario.runs)")])
        var (runs, notes) = ([StartFigures](), [String]())
        for _ in 0..<scenario.runs {
            do {
                let limits = try ContainerLimits(scenario)
                notes = limits.notes
                runs.append(try await start(scenario, limits))
            } catch let error as ColdStartError {
                throw error
            } catch let error as UnenforcedLimit {
                throw .limitNotKept("\(error)")
            } catch let error as SystemError {
                throw .file(error.operation, error.path, error.errno)
            } catch is CancellationError {
                throw .cancelled
            } catch {
                throw .containerFailed(reason: "\(error)")
            }
        }
        var measurement = StartMeasurement(
            runs, engine: name, isAccelerated: true, accelerationNote: nil, kernelRelease: nil, emulator: nil,
            probe: scenario.probe)
        measurement.notes = notes
        measurement.fingerprint = scenario.fingerprint(engine: self.name)
        measurement.fingerprint.add("cpu", HostProcessor.model)
        measurement.fingerprint.add("hostKernel", HostProcessor.kernelRelease)
        return measurement
    }

    private func start(_ scenario: Scenario, _ limits: ContainerLimits) async throws -> StartFigures {
        let name = FilePath("start-\(hostClock())")
        let parent = try Directory.make(scratch)
        defer { try? parent.removeTree(name) }
        let place = scratch.pushing(name)
        for part in ["upper", "work"] { _ = try Directory.make(place.appending(part)) }
        try Directory(place).setOwner(of: "upper", uid: ids.stored(0), gid: ids.stored(0))
        var command = try command(scenario)
        limits.apply(to: &command)
        let overlay = Overlay(
            lowers: layers, upper: place.appending("upper"), work: place.appending("work"), isShifted: ids.shift > 0)
        let listener = ContainerListener(scenario, from: hostClock())
        let observation = scenario.probeSet?.recordsOpenedFiles == true ? ContainerFileObserver() : nil
        defer { _ = observation?.end() }
        let container = try await Container(overlay).start(command, observer: observation?.observer) {
            listener.receive($0, $1)
        }
        try await listener.follow(container, for: scenario.totalTimeout + .seconds(20))
        scenario.onRunEnd(listener.console)
        let result = listener.result(scenario, isCancelled: Task.isCancelled)
        if case .failure(let error) = result, error != .cancelled, container.ranOutOfMemory {
            throw ColdStartError.outOfMemory(MemorySize(Int64(scenario.memoryBytes)))
        }
        var run = try result.get()
        if let observation { run.probeResults?.openedFiles = observation.end() }
        return run
    }

    /// Makes the command of init with its boot spec; the same files of `/etc` as in Docker are mounted.
    private func command(_ scenario: Scenario) throws -> Command {
        let program = FilePath("/.thaw-init")
        let specPath = FilePath("/.thaw-orders")
        let hosts = "127.0.0.1\tlocalhost \(scenario.hostname)\n::1\tlocalhost ip6-localhost\n"
        let resolver = "# This container has no network but its own.\n"
        let spec = BootSpec(scenario, in: .container, channel: "fd:1").encode()
        func content(_ bytes: [UInt8], mode: UInt32 = 0o644) -> Attachment.Source {
            .content(bytes, mode: mode, uid: 0, gid: 0)
        }
        var command = Command([program.string, specPath.string])
        command.hostname = scenario.hostname
        command.network = .none
        command.attachments = [
            // A copy, because the host's file is not part of the container.
            Attachment(
                content(try OwnedDescriptor(initialProgram).readAll(limit: 64 << 20), mode: 0o755), at: program,
                isReadOnly: true),
            Attachment(content(spec), at: specPath, isReadOnly: true),
            Attachment(content(Array(hosts.utf8)), at: "/etc/hosts"),
            Attachment(content(Array(resolver.utf8)), at: "/etc/resolv.conf"),
        ]
        return command
    }
}

/// Receives a container's output, on the container's thread, and ends the container when the session is done.
private final class ContainerListener: Sendable {
    private let state: Mutex<State>

    private struct State {
        var session: GuestSession
        var container: RunningContainer?
    }

    init(_ scenario: Scenario, from start: UInt64) {
        let session = GuestSession(
            probe: scenario.probe, probeSet: scenario.probeSet, start: start, memory: scenario.memoryBytes)
        state = Mutex(State(session: session))
    }

    /// Returns the result, once the container has ended.
    func result(_ scenario: Scenario, isCancelled: Bool) -> Result<StartFigures, ColdStartError> {
        state.withLock { state in
            let session = state.session
            if session.verdict == .passed, let run = StartFigures(session, by: .shared, hasKernel: false) {
                return .success(run)
            }
            return .failure(isCancelled ? .cancelled : session.failure(timeout: scenario.timeout))
        }
    }

    var console: Console { state.withLock { Console(text: $0.session.console.text) } }

    func receive(_ stream: OutputStream, _ bytes: RawSpan) {
        let time = hostClock()
        let copy = unsafe bytes.withUnsafeBytes { unsafe Array($0) }
        state.withLock { state in
            if stream == .output { state.session.receive(copy, at: time) } else { state.session.receiveConsole(copy) }
            if state.session.isDone { state.container?.kill() }
        }
    }

    /// Returns when the container has ended, at the latest after `totalTimeout`.
    func follow(_ container: RunningContainer, for timeout: Duration) async throws {
        state.withLock { state in
            state.container = container
            if state.session.isDone { container.kill() }
        }
        defer { state.withLock { $0.container = nil } }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await container.wait() }
            group.addTask {
                try await Task.sleep(for: timeout)
                container.kill()
            }
            try await withTaskCancellationHandler {
                try await group.next()
            } onCancel: {
                container.kill()
            }
            group.cancelAll()
        }
    }
}

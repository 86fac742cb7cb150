// A machine in a process of its own, seen from the program that started it.

internal import CKVM
internal import Glibc
internal import Linux
public import SystemPackage

/// A machine like ``Machine``, in a jailed process: a guest that breaks out of it gains nothing.
///
/// Its process has no files, no network, no view of other processes, no privileges, and few system calls. Its messages
/// are trusted as little as a guest's. The process ends with the thread that made it, and with ``close()``.
public final class MachineProcess: Sendable {
    private struct State {
        var isMade = false
        var isSaved = false
        var failure: MachineError?
        var outcome: Machine.RunOutcome?
        var console: [UInt8] = []
        var figures = MachineFigures()
        var figureCount = 0
        var isStopping = false
        /// The description of the process's end; `nil` while it runs.
        var end: String?
    }

    /// The time until a process that ignores a request is killed, in nanoseconds.
    private static let killTimeout: UInt64 = 5_000_000_000
    /// The time limit for reading a kernel or a snapshot, or writing one, in nanoseconds.
    private static let fileTimeout: UInt64 = 600_000_000_000

    /// A remark about the kernel for the user; `nil` if there is none.
    public let kernelRemark: String?
    private let connection: MachineConnection
    private let snapshot: SnapshotTarget?
    private let state = WaitableState(State())
    private let doorbell: @Sendable (_ message: [UInt8], _ nanoseconds: UInt64) -> DoorbellResponse

    /// Makes a machine at its kernel's first instruction; ``run(until:reply:)`` starts it.
    ///
    /// - Parameters:
    ///   - jail: the start parameters of its process.
    ///   - snapshot: the path for ``save(identity:)``.
    ///   - doorbell: receives the guest's message and the time, in nanoseconds of `CLOCK_MONOTONIC`. It runs on a thread
    ///     of its own, one call at a time.
    public init(
        _ configuration: MachineConfiguration, _ jail: MachineJail, savingTo snapshot: FilePath? = nil,
        doorbell: @escaping @Sendable (_ message: [UInt8], _ nanoseconds: UInt64) -> DoorbellResponse
    ) throws(MachineError) {
        try configuration.validate()
        try GuestMemory.expectRoom(for: configuration.memoryBytes)
        let kernel = try configuration.openKernel()
        kernelRemark = kernel.remark
        self.snapshot = try snapshot.map { path throws(MachineError) in try SnapshotTarget(path) }
        self.doorbell = doorbell
        let files = try MachineDescriptors(configuration, source: kernel.duplicate(), snapshot: self.snapshot)
        connection = try MachineConnection(jail, files: files, configuration, isRestored: false)
        try begin()
    }

    /// Makes a machine that continues from a snapshot.
    public init(
        restoring snapshot: borrowing SnapshotFile, _ configuration: MachineConfiguration, _ jail: MachineJail,
        doorbell: @escaping @Sendable (_ message: [UInt8], _ nanoseconds: UInt64) -> DoorbellResponse
    ) throws(MachineError) {
        var configuration = configuration
        (configuration.processors, configuration.memoryBytes) = (snapshot.processors, snapshot.memoryBytes)
        try configuration.validate()
        (kernelRemark, self.snapshot) = (nil, nil)
        self.doorbell = doorbell
        let files = try MachineDescriptors(configuration, source: snapshot.duplicate(), snapshot: nil)
        connection = try MachineConnection(jail, files: files, configuration, isRestored: true)
        try begin()
    }

    /// Waits until the process has made its machine.
    private func begin() throws(MachineError) {
        let isListening = WorkerThread.startIfPossible { [self] in
            connection.listen(onReply: { take($0) }, onRing: { answer($0) })
            let end = connection.reap()
            state.update { $0.end = end }
        }
        guard isListening else {
            connection.kill()
            _ = connection.reap()
            throw .host("start a thread", nil, .resourceTemporarilyUnavailable)
        }
        do throws(MachineError) { try expect { $0.isMade } } catch {
            close()
            throw error
        }
    }

    /// Waits until the process has completed a request.
    private func expect(_ isDone: (State) -> Bool) throws(MachineError) {
        let latest = monotonicNanoseconds() + MachineProcess.fileTimeout
        let result: Result<Void, MachineError>? = state.wait(until: latest) { state in
            if isDone(state) { return .success(()) }
            if let failure = state.failure { return .failure(failure) }
            return state.end.map { .failure(.guestFault($0)) }
        }
        guard let result else { throw .guestFault("its process does not respond") }
        try result.get()
    }

    private func take(_ reply: MachineReply) {
        state.update { state in
            switch reply {
            case .made: state.isMade = true
            case .failed(let error): state.failure = error
            case .console(let text): state.console = text
            case .outcome(let outcome): state.outcome = outcome
            case .saved: state.isSaved = true
            case .figures(let figures):
                state.figures = figures
                state.figureCount += 1
            }
        }
    }

    private func answer(_ ring: DoorbellRing) -> DoorbellResponse {
        state.update { state in
            (state.figures.pageFaults, state.figures.diskReads) = (ring.pageFaults, ring.diskReads)
        }
        // The process can't report a time in the future.
        return doorbell(ring.message, min(ring.time, monotonicNanoseconds()))
    }

    /// Runs the guest until it ends or is paused.
    ///
    /// - Parameters:
    ///   - deadline: nanoseconds of `CLOCK_MONOTONIC`, after which the machine is ended.
    ///   - reply: the content of the guest's mailbox, if the guest was paused in the middle of ringing the doorbell.
    public func run(until deadline: UInt64, reply: [UInt8] = []) -> Machine.RunOutcome {
        state.update { $0.outcome = nil }
        connection.send(.run(deadline: deadline, reply: reply))
        let latest = deadline > .max - MachineProcess.killTimeout ? .max : deadline + MachineProcess.killTimeout
        let outcome: Machine.RunOutcome?? = state.wait(until: latest) { state in
            if let outcome = MachineProcess.outcome(state) { return .some(outcome) }
            return state.isStopping ? .some(nil) : nil
        }
        if let outcome, let outcome { return outcome }
        let isStopping = outcome != nil
        let last = isStopping ? monotonicNanoseconds() + MachineProcess.killTimeout : 0
        if let outcome = state.wait(until: last, for: { MachineProcess.outcome($0) }) { return outcome }
        connection.kill()
        return .ended(isStopping ? .stopped : .timedOut)
    }

    private static func outcome(_ state: State) -> Machine.RunOutcome? {
        state.outcome ?? state.end.map { .ended(.failed($0)) }
    }

    /// Ends the machine, from any thread; its figures stay available.
    public func stop() {
        state.update { $0.isStopping = true }
        connection.send(.stop)
    }

    /// Ends the process, if it still runs, and waits for its end.
    public func close() {
        connection.kill()
        _ = state.wait { $0.end }
    }

    /// Saves a paused machine, wholly or not at all; the machine can run on afterwards.
    ///
    /// - Parameter identity: bytes for the reader of the snapshot; at most 4 KiB.
    public func save(identity: [UInt8]) throws(MachineError) {
        connection.send(.save(identity: identity))
        try expect { $0.isSaved }
        try snapshot?.commit()
    }

    /// Requests the process's current figures, and waits for them.
    public func refresh() {
        let count = state.update { $0.figureCount }
        connection.send(.figures)
        let latest = monotonicNanoseconds() + MachineProcess.killTimeout
        _ = state.wait(until: latest) { $0.figureCount > count || $0.end != nil ? true : nil }
    }

    private var figures: MachineFigures { state.update { $0.figures } }

    /// The process's number; it stays valid until ``close()``.
    public var number: Int32 { connection.process }
    /// The guest's output on its serial port, as of the last pause or ``refresh()``.
    public var console: [UInt8] { state.update { $0.console } }
    /// The time of the guest's first instruction, in nanoseconds of `CLOCK_MONOTONIC`.
    ///
    /// As of the last pause or ``refresh()``; 0 before the first instruction.
    public var enteredAt: UInt64 { figures.enteredAt }
    /// The number of exits to user space, as of the last pause or ``refresh()``.
    public var exitCount: UInt64 { figures.exits }
    /// Anonymous memory of the process beyond the guest's, in bytes, as of the last pause.
    public var overheadBytes: UInt64? { figures.overheadBytes }
    /// The page faults of the process since it began to make the machine, as of the last ring of the doorbell.
    public var pageFaults: UInt64 { figures.pageFaults }
    /// The guest's reads from its disk, as of the last ring of the doorbell.
    ///
    /// `nil` if the disk is memory or there is none.
    public var diskReads: DiskReads? { figures.diskReads }
}

// A container that runs: its process, its end, its network.

internal import CLinux
internal import Glibc
public import Linux
internal import Synchronization
internal import SystemPackage

/// A command that was started.
///
/// When the last reference goes, the command is killed.
public final class RunningContainer: Sendable {
    private let child: Child
    private let end: End

    init(_ child: Child, _ end: End) {
        self.child = child
        self.end = end
    }

    deinit {
        kill()
    }

    /// The number of the container's first process, as the host counts.
    public var processID: Int32 { child.process }

    /// CLOCK_MONOTONIC just before the process was made, in nanoseconds.
    public var clonedAt: Int64 { child.clonedAt }

    /// CLOCK_MONOTONIC when the command began to be executed, in nanoseconds.
    public var executedAt: Int64 { child.executedAt }

    /// True if the kernel killed a process of the container for lack of memory, as far as a group with a limit of memory
    /// tells; also after the end.
    public var ranOutOfMemory: Bool { child.group?.ranOutOfMemory ?? false }

    /// Waits for the end of the command, of everything it started, and of its output.
    public func wait() async throws -> ExitStatus {
        try await end.value()
    }

    /// Sends the command a signal; false where it has ended.
    @discardableResult
    public func signal(_ number: Int32) -> Bool {
        clinux_pidfd_signal(child.pidfd.rawValue, number) == 0
    }

    /// Ends the command and everything it started, now.
    public func kill() {
        signal(SIGKILL)
    }

    /// Whether something inside listens on a TCP port, of any address.
    public func isListening(onPort port: UInt16) throws(SystemError) -> Bool {
        for name in ["tcp", "tcp6"] {
            let table: OwnedDescriptor
            do throws(SystemError) {
                table = try OwnedDescriptor(FilePath("/proc/\(child.process)/net/\(name)"))
            } catch {
                guard error.errno == .noSuchFileOrDirectory else { throw error }
                continue
            }
            try requireLife()
            if SocketTable(try table.readAll(limit: 64 << 20)).isListening(onPort: port) { return true }
        }
        return false
    }

    /// After the end the process's number may be another's: a file of /proc counts only if this holds after opening.
    private func requireLife() throws(SystemError) {
        guard signal(0) else { throw SystemError("look into the container", nil, .noSuchProcess) }
    }

    /// Opens a TCP connection to 127.0.0.1 as somebody inside the container would.
    ///
    /// - Throws: ``SystemError``, with ECONNREFUSED where nobody listens.
    public func connect(toPort port: UInt16) async throws -> OwnedDescriptor {
        let network = try OwnedDescriptor(FilePath("/proc/\(child.process)/ns/net"), .read)
        try requireLife()
        let number = try await withCheckedThrowingContinuation { continuation in
            // The thread takes on the container's network, so it ends with this one job.
            WorkerThread.start {
                continuation.resume(with: Result { try Loopback.connect(port, in: network).release() })
            }
        }
        return OwnedDescriptor(owning: number)
    }
}

/// The end of a container, that any number of tasks can wait for.
final class End: Sendable {
    private enum State {
        case open([CheckedContinuation<ExitStatus, any Error>])
        case reached(Result<ExitStatus, any Error>)
    }

    private let state = Mutex(State.open([]))

    func set(_ result: Result<ExitStatus, any Error>) {
        let waiting = state.withLock { state -> [CheckedContinuation<ExitStatus, any Error>] in
            guard case .open(let waiting) = state else { return [] }
            state = .reached(result)
            return waiting
        }
        for continuation in waiting { continuation.resume(with: result) }
    }

    func value() async throws -> ExitStatus {
        try await withCheckedThrowingContinuation { continuation in
            let reached = state.withLock { state -> Result<ExitStatus, any Error>? in
                switch state {
                case .open(let waiting):
                    state = .open(waiting + [continuation])
                    return nil
                case .reached(let result):
                    return result
                }
            }
            if let reached { continuation.resume(with: reached) }
        }
    }
}

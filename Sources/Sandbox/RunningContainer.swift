// A running container: its process, its end, its network.

internal import CLinux
internal import Glibc
public import Linux
internal import Synchronization
internal import SystemPackage

/// A command that was started.
///
/// It is killed when the last reference is released.
public final class RunningContainer: Sendable {
    private let child: Child
    private let end: ContainerExit

    init(_ child: Child, _ end: ContainerExit) {
        self.child = child
        self.end = end
    }

    deinit {
        kill()
    }

    /// The PID of the container's first process on the host.
    public var processID: Int32 { child.process }

    /// CLOCK_MONOTONIC just before the process was made, in nanoseconds.
    public var clonedAt: Int64 { child.clonedAt }

    /// CLOCK_MONOTONIC when the command was executed, in nanoseconds.
    public var executedAt: Int64 { child.executedAt }

    /// True if the kernel killed a process of the container because memory ran out; also after the end.
    ///
    /// Only a control group with a memory limit reports this.
    public var ranOutOfMemory: Bool { child.ranOutOfMemory }

    /// Waits until the command and all processes that it started have ended and their output is read.
    public func wait() async throws -> ExitStatus {
        try await end.value()
    }

    /// Sends the command a signal; false if it has ended.
    @discardableResult
    public func signal(_ number: Int32) -> Bool {
        clinux_pidfd_signal(child.pidfd.rawValue, number) == 0
    }

    /// Kills the command and everything it started.
    public func kill() {
        signal(SIGKILL)
    }

    /// True if a process inside listens on a TCP port, on any address.
    public func isListening(onPort port: UInt16) throws(SystemError) -> Bool {
        for name in ["tcp", "tcp6"] {
            let table: OwnedDescriptor
            do throws(SystemError) {
                table = try OwnedDescriptor(FilePath("/proc/\(child.process)/net/\(name)"))
            } catch {
                guard error.errno == .noSuchFileOrDirectory else { throw error }
                continue
            }
            try requireRunning()
            if SocketTable(try table.readAll(limit: 64 << 20)).isListening(onPort: port) { return true }
        }
        return false
    }

    /// Throws if the command has ended: its PID may then be reused.
    ///
    /// Call this after opening a file of /proc.
    private func requireRunning() throws(SystemError) {
        guard signal(0) else { throw SystemError("read the container's state", nil, .noSuchProcess) }
    }

    /// Opens a TCP connection to 127.0.0.1 inside the container's network.
    ///
    /// - Throws: ``SystemError``, with ECONNREFUSED if no process listens.
    public func connect(toPort port: UInt16) async throws -> OwnedDescriptor {
        let network = try OwnedDescriptor(FilePath("/proc/\(child.process)/ns/net"), .read)
        try requireRunning()
        let number = try await withCheckedThrowingContinuation { continuation in
            // The thread stays in the container's network, so it ends with this one job.
            WorkerThread.start {
                continuation.resume(with: Result { try Loopback.connect(port, in: network).release() })
            }
        }
        return OwnedDescriptor(owning: number)
    }
}

/// The end of a container; any number of tasks can wait for it.
final class ContainerExit: Sendable {
    private enum State {
        case open([CheckedContinuation<ExitStatus, any Error>])
        case ended(Result<ExitStatus, any Error>)
    }

    private let state = Mutex(State.open([]))

    func set(_ result: Result<ExitStatus, any Error>) {
        let waiting = state.withLock { state -> [CheckedContinuation<ExitStatus, any Error>] in
            guard case .open(let waiting) = state else { return [] }
            state = .ended(result)
            return waiting
        }
        for continuation in waiting { continuation.resume(with: result) }
    }

    func value() async throws -> ExitStatus {
        try await withCheckedThrowingContinuation { continuation in
            let ended = state.withLock { state -> Result<ExitStatus, any Error>? in
                switch state {
                case .open(let waiting):
                    state = .open(waiting + [continuation])
                    return nil
                case .ended(let result):
                    return result
                }
            }
            if let ended { continuation.resume(with: ended) }
        }
    }
}

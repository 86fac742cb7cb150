// A command in namespaces of its own over an overlay.
//
//     this process                         the child, PID 1 of its namespace
//     ────────────                         ─────────────────────────────────
//     make mounts without a place
//     clone ─────────────────────────────► attach them, pivot_root, /proc /sys /dev, identity
//     status pipe: end of file ◄────────── exec          (or: the step that failed, and errno)
//     stdout, stderr ◄──────────────────── ...
//     pidfd: readable ◄─────────────────── exit; the kernel ends what the command left running
//     take the stubs out of upper
//
// Each container has a thread of its own: the kernel kills the child when the thread that made it ends
// (PR_SET_PDEATHSIG).

internal import Glibc
public import Linux
internal import SystemPackage

/// The stream of a command that bytes came from.
public enum OutputStream: Sendable, Hashable {
    /// Standard output.
    case output
    /// Standard error.
    case error
}

/// The way a command ended.
public typealias ExitStatus = Spawn.ExitStatus

extension Spawn.ExitStatus: CustomStringConvertible {
    /// True if the command exited with 0.
    public var isSuccess: Bool { self == .exited(0) }

    /// The shell's exit status: the status itself, or 128 plus the signal's number.
    public var code: Int32 {
        switch self {
        case .exited(let code): code
        case .signalled(let number): 128 + number
        }
    }

    /// The words that follow "the command" in a message.
    public var description: String {
        switch self {
        case .exited(let code): "exited with status \(code)"
        case .signalled(let number): "was ended by signal \(number)"
        }
    }
}

/// Runs commands on one root file system, one at a time.
public struct Container: Sendable {
    /// The root file system of the commands.
    public let root: Overlay

    /// The OCI runtime that starts them; nil for thaw's own sandbox.
    public let runtime: OCIRuntime?

    /// A container over this overlay.
    public init(_ root: Overlay, runtime: OCIRuntime? = nil) {
        self.root = root
        self.runtime = runtime
    }

    /// Receives the bytes of a stream as they arrive, on the container's own thread; the command waits meanwhile.
    public typealias OutputHandler = @Sendable (OutputStream, RawSpan) -> Void

    /// Runs a command until it exits.
    ///
    /// When this returns, every process of the command has ended and all of its output was passed to `output`. The
    /// overlay's upper directory is then the layer. Cancelling the task kills the command.
    ///
    /// - Throws: ``SandboxError`` if the command didn't start.
    public func run(_ command: Command, output: @escaping OutputHandler = { _, _ in }) async throws -> ExitStatus {
        let running = try await start(command, output: output)
        return try await withTaskCancellationHandler {
            try await running.wait()
        } onCancel: {
            running.kill()
        }
    }

    /// Starts a command and returns when it is being executed.
    ///
    /// - Parameter observer: Records the files opened in the root file system; not supported with an OCI runtime.
    /// - Throws: ``SandboxError`` if the command didn't start.
    public func start(
        _ command: Command, observer: FileObserver? = nil, output: @escaping OutputHandler = { _, _ in }
    ) async throws -> RunningContainer {
        try await start(command, observer: observer) { try CapturedStreams(output) }
    }

    /// Runs a command with this process's own streams, until it exits.
    ///
    /// If `input` is a terminal, the command gets a terminal of its own, which controls its session. Its output is
    /// copied to `output`, and every key typed meanwhile is passed to the command. Cancelling the task kills the
    /// command.
    public func runInteractively(
        _ command: Command, input: Int32 = 0, output: Int32 = 1, error: Int32 = 2
    ) async throws -> ExitStatus {
        let running = try await start(command) {
            if isatty(input) == 1 { return try TerminalStreams(input: input, output: output) }
            return InheritedStreams((input, output, error))
        }
        return try await withTaskCancellationHandler {
            try await running.wait()
        } onCancel: {
            running.kill()
        }
    }

    private func start(
        _ command: Command, observer: FileObserver? = nil, makeStreams: @Sendable @escaping () throws -> any Streams
    ) async throws -> RunningContainer {
        try Self.check(command)
        return try await withCheckedThrowingContinuation { continuation in
            WorkerThread.start {
                do {
                    let lock = try root.lock()
                    let streams = try makeStreams()
                    let child = try Child(command, on: root, by: runtime, streams: streams, observer: observer)
                    let end = ContainerExit()
                    continuation.resume(returning: RunningContainer(child, end))
                    end.set(Result { try child.follow(streams) })
                    // Keeps the lock's file open until here.
                    withExtendedLifetime(lock) {}
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
    }

    static func check(_ command: Command) throws {
        let texts = command.arguments + command.environment + [command.hostname, command.workingDirectory.string]
        guard let name = command.arguments.first, !name.isEmpty, !texts.contains(where: { $0.utf8.contains(0) }) else {
            throw SandboxError.malformedCommand
        }
    }
}

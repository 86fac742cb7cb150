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
// One thread belongs to each container: the child dies with the thread that made it (PR_SET_PDEATHSIG).

internal import Glibc
public import Linux
internal import SystemPackage

/// Which of a command's streams bytes came from.
public enum OutputStream: Sendable, Hashable {
    /// Standard output.
    case output
    /// Standard error.
    case error
}

/// How a command ended.
public enum ExitStatus: Sendable, Hashable, CustomStringConvertible {
    /// By itself, with a code of 0 to 255.
    case exited(Int32)
    /// By a signal.
    case signalled(Int32)

    /// Whether the command exited with 0.
    public var isSuccess: Bool { self == .exited(0) }

    /// The shell's number: the code, or 128 and the signal.
    public var code: Int32 {
        switch self {
        case .exited(let code): code
        case .signalled(let number): 128 + number
        }
    }

    /// What follows "the command".
    public var description: String {
        switch self {
        case .exited(let code): "exited with status \(code)"
        case .signalled(let number): "was ended by signal \(number)"
        }
    }
}

/// Runs commands on one root file system, one at a time.
public struct Container: Sendable {
    /// What the commands see as `/`.
    public let root: Overlay

    /// Whose runtime starts them; nil is our own.
    public let runtime: OCIRuntime?

    /// A container over this overlay.
    public init(_ root: Overlay, runtime: OCIRuntime? = nil) {
        self.root = root
        self.runtime = runtime
    }

    /// Receives the bytes of a stream as they come, on the container's own thread; while it runs, the command waits.
    public typealias Output = @Sendable (OutputStream, RawSpan) -> Void

    /// Runs a command to its end.
    ///
    /// When this returns, nothing that the command started is alive, every byte of its output has been handed over
    /// and the overlay's upper directory is the layer. Cancelling the task kills the command.
    ///
    /// - Throws: ``SandboxError`` where the command did not start.
    public func run(_ command: Command, output: @escaping Output = { _, _ in }) async throws -> ExitStatus {
        let running = try await start(command, output: output)
        return try await withTaskCancellationHandler {
            try await running.wait()
        } onCancel: {
            running.kill()
        }
    }

    /// Starts a command and returns when it is being executed.
    ///
    /// - Parameter observer: follows what is opened in the root file system; not with a runtime of somebody else.
    /// - Throws: ``SandboxError`` where the command did not start.
    public func start(
        _ command: Command, observer: FileObserver? = nil, output: @escaping Output = { _, _ in }
    ) async throws -> RunningContainer {
        try await start(command, observer) { try CapturedStreams(output) }
    }

    /// Runs a command to its end with this process's own streams.
    ///
    /// Where `input` is a terminal the command gets one of its own, as its session's, and what it writes to that goes
    /// to `output`; meanwhile every key that is typed is the command's. Cancelling the task kills the command.
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
        _ command: Command, _ observer: FileObserver? = nil, _ makeStreams: @Sendable @escaping () throws -> any Streams
    ) async throws -> RunningContainer {
        try Self.check(command)
        return try await withCheckedThrowingContinuation { continuation in
            WorkerThread.start {
                do {
                    let lock = try root.lock()
                    let streams = try makeStreams()
                    let child = try Child(command, on: root, by: runtime, streams, observer)
                    let end = End()
                    continuation.resume(returning: RunningContainer(child, end))
                    end.set(Result { try child.follow(streams) })
                    // Its file is closed now at the latest.
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

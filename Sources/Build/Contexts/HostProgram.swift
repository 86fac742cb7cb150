internal import Glibc
internal import Linux
internal import Synchronization
internal import SystemPackage

/// A program of this machine that runs without input until it exits.
///
/// Its output is written to files of a work area, so it never blocks on a full pipe.
struct HostProgram: Sendable {
    /// The result of a program.
    struct RunResult: Sendable {
        /// The exit status; nil if a signal ended it.
        let status: Int32?
        /// The first 64 MiB of stdout.
        let output: [UInt8]
        /// The line of stderr that has the reason: the first one of ssh or git's server, else the last one.
        let stderrLine: String
    }

    let words: [String]
    /// The whole environment; nothing is inherited.
    let environment: [String]

    /// Runs it on this thread; `work` can end it early.
    ///
    /// - Throws: ``SystemError`` with ENOENT if the program doesn't exist.
    func run(in area: Directory, _ work: Interruptible) throws -> RunResult {
        let output = try area.open("stdout", [.readWrite, .create, .truncate], mode: 0o600)
        let errors = try area.open("stderr", [.readWrite, .create, .truncate], mode: 0o600)
        try work.begin { () throws(SystemError) in
            try Spawn.start(words, environment: environment, streams: [nil, output.rawValue, errors.rawValue])
        }
        let status = work.waitForEnd()
        if work.isInterrupted { throw CancellationError() }
        return RunResult(
            status: status, output: try output.read(64 << 20, at: 0), stderrLine: try Self.reason(in: errors))
    }

    /// Advice of git follows the reason of ssh; `fatal: Could not read from remote repository.` says nothing more.
    private static func reason(in file: borrowing OwnedDescriptor) throws -> String {
        let size = try file.size()
        let bytes = try file.read(4096, at: max(0, size - 4096))
        let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
        let marks = ["ssh: ", "ERROR: ", "Host key verification failed"]
        let line =
            lines.first { line in marks.contains { line.hasPrefix($0) } || line.contains(": Permission denied (") }
            ?? lines.first { $0.hasPrefix("fatal: ") } ?? lines.last { !$0.allSatisfy(\.isWhitespace) }
        return line.map { String($0.prefix(300)) } ?? ""
    }
}

/// Blocking work that starts programs, one after the other.
///
/// Cancelling its task sends SIGTERM to the running program.
final class Interruptible: Sendable {
    private struct State {
        var process: pid_t?
        var isInterrupted = false
    }

    private let state = Mutex(State())

    /// Runs `body` on a thread that may block.
    static func run<T: Sendable>(_ body: @escaping @Sendable (Interruptible) throws -> T) async throws -> T {
        let work = Interruptible()
        return try await withTaskCancellationHandler {
            try await Offload.run { try body(work) }
        } onCancel: {
            work.interrupt()
        }
    }

    /// True if the task was cancelled.
    var isInterrupted: Bool { state.withLock { $0.isInterrupted } }

    fileprivate func begin(_ start: () throws(SystemError) -> pid_t) throws {
        try state.withLock { state in
            if state.isInterrupted { throw CancellationError() }
            state.process = try start()
        }
    }

    /// Waits for the running program and returns its exit status.
    ///
    /// It is reaped under the lock, so that no signal is sent to a reused PID.
    fileprivate func waitForEnd() -> Int32? {
        guard let process = state.withLock({ $0.process }) else { return nil }
        var information = unsafe siginfo_t()
        while unsafe waitid(P_PID, id_t(process), &information, WEXITED | WNOWAIT) < 0, errno == EINTR {}
        return state.withLock { state in
            state.process = nil
            return Spawn.wait(process).status
        }
    }

    private func interrupt() {
        state.withLock { state in
            state.isInterrupted = true
            if let process = state.process { _ = kill(process, SIGTERM) }
        }
    }
}

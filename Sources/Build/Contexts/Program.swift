internal import Glibc
internal import Linux
internal import Synchronization
internal import SystemPackage

/// A program of this machine that is run to its end with no input.
///
/// Its output goes into files of a work area, so that nothing it writes can block it.
struct Program: Sendable {
    /// What a program left behind.
    struct Outcome: Sendable {
        /// The exit status; nil where a signal ended it.
        let status: Int32?
        /// The first 64 MiB of what it wrote.
        let output: [UInt8]
        /// The last line of its complaints that holds anything.
        let complaint: String
    }

    let words: [String]
    /// The whole environment: nothing is inherited.
    let environment: [String]

    /// Runs it on this thread; `work` ends it early.
    ///
    /// - Throws: ``SystemError`` with ENOENT where there is no such program.
    func run(in area: Directory, _ work: Interruptible) throws -> Outcome {
        let output = try area.open("stdout", [.readWrite, .create, .truncate], mode: 0o600)
        let errors = try area.open("stderr", [.readWrite, .create, .truncate], mode: 0o600)
        try work.begin { () throws(SystemError) in try spawn(output.rawValue, errors.rawValue) }
        let status = work.waitForEnd()
        if work.isInterrupted { throw CancellationError() }
        return Outcome(
            status: status, output: try output.read(64 << 20, at: 0), complaint: try Self.lastLine(of: errors))
    }

    /// The vectors live until the call returns, which is when the program runs or could not.
    private func spawn(_ output: Int32, _ errors: Int32) throws(SystemError) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe sigfillset(&signals)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, errors, 2)
        var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        var variables = unsafe environment.map { unsafe strdup($0) } + [nil]
        defer { unsafe (arguments + variables).forEach { unsafe free($0) } }
        var process: pid_t = 0
        let code = unsafe posix_spawnp(&process, words[0], &actions, &attributes, &arguments, &variables)
        guard code == 0 else { throw SystemError("run", FilePath(words[0]), Errno(rawValue: code)) }
        return process
    }

    private static func lastLine(of file: borrowing OwnedDescriptor) throws -> String {
        let size = try file.size()
        let bytes = try file.read(4096, at: max(0, size - 4096))
        let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
        return lines.last { !$0.allSatisfy(\.isWhitespace) }.map { String($0.prefix(300)) } ?? ""
    }
}

/// Blocking work that starts programs, one after the other, and that ends with its task: the program that runs then is
/// told to end.
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

    /// Whether the task was cancelled.
    var isInterrupted: Bool { state.withLock { $0.isInterrupted } }

    fileprivate func begin(_ start: () throws(SystemError) -> pid_t) throws {
        try state.withLock { state in
            if state.isInterrupted { throw CancellationError() }
            state.process = try start()
        }
    }

    /// The exit status of the program that was begun. Nobody may signal its number once it is reaped.
    fileprivate func waitForEnd() -> Int32? {
        guard let process = state.withLock({ $0.process }) else { return nil }
        var information = unsafe siginfo_t()
        while unsafe waitid(P_PID, id_t(process), &information, WEXITED | WNOWAIT) < 0, errno == EINTR {}
        return state.withLock { state in
            state.process = nil
            var status: Int32 = 0
            while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
            return status & 0x7f == 0 ? (status >> 8) & 0xff : nil
        }
    }

    private func interrupt() {
        state.withLock { state in
            state.isInterrupted = true
            if let process = state.process { _ = kill(process, SIGTERM) }
        }
    }
}

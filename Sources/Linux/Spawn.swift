// Programs of this machine, started with posix_spawn and waited for.

internal import Glibc
internal import SystemPackage

/// Starts programs and waits for their exit.
public enum Spawn {
    /// The end of a program: its exit status, or the signal that ended it.
    public enum ExitStatus: Sendable, Hashable {
        /// It exited by itself.
        case exited(Int32)
        /// A signal ended it.
        case signalled(Int32)

        /// The exit status; nil after a signal.
        public var status: Int32? { if case .exited(let status) = self { status } else { nil } }
    }

    /// Starts a program, looked up in PATH, with default signals; returns its PID.
    ///
    /// - Parameters:
    ///   - environment: All of its variables; nil for those of this process.
    ///   - streams: The descriptors of this process that become its 0, 1, 2 and so on; nil for `/dev/null`.
    /// - Throws: ``SystemError`` with ENOENT if the program doesn't exist.
    public static func start(
        _ words: [String], environment: [String]? = nil, streams: [Int32?]
    ) throws(SystemError) -> Int32 {
        guard let name = words.first else { throw SystemError("run", nil, .invalidArgument) }
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
        for (number, stream) in streams.enumerated() {
            if let stream {
                unsafe posix_spawn_file_actions_adddup2(&actions, stream, Int32(number))
            } else {
                unsafe posix_spawn_file_actions_addopen(&actions, Int32(number), "/dev/null", O_RDWR, 0)
            }
        }
        // The vectors exist until the call returns, which is when the program runs or has failed.
        var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        var variables = unsafe environment.map { unsafe $0.map { unsafe strdup($0) } + [nil] } ?? []
        defer { unsafe (arguments + variables).forEach { unsafe free($0) } }
        var process: pid_t = 0
        let code =
            environment == nil
            ? unsafe posix_spawnp(&process, name, &actions, &attributes, &arguments, environ)
            : unsafe posix_spawnp(&process, name, &actions, &attributes, &arguments, &variables)
        guard code == 0 else { throw SystemError("run", FilePath(name), Errno(rawValue: code)) }
        return process
    }

    /// Waits for the exit of a program that was started here.
    ///
    /// Blocks the thread.
    public static func wait(_ process: Int32) -> ExitStatus {
        var status: Int32 = 0
        while unsafe waitpid(process, &status, 0) < 0 {
            // Other code has already reaped it: its status is lost.
            guard errno == EINTR else { return .exited(-1) }
        }
        return status & 0x7f == 0 ? .exited((status >> 8) & 0xff) : .signalled(status & 0x7f)
    }
}

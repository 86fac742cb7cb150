internal import Glibc

/// The exit status and output of a program.
public struct ProgramResult: Sendable {
    /// The exit status, or the negative number of the signal that killed the program.
    public let status: Int32
    /// The text on stdout.
    public let output: String
    /// The text on stderr.
    public let error: String
    /// The bytes of stdout, then those of stderr.
    public let bytes: [UInt8]

    /// The output without the newline at its end.
    public var line: String { output.hasSuffix("\n") ? String(output.dropLast()) : output }
}

/// The error of a program that could not be started, or that failed in the setup of a test.
public struct ProgramFailure: Error, CustomStringConvertible {
    public let description: String

    public init(description: String) { self.description = description }
}

/// A program of this machine; its streams are files, so that its output can't block it.
public struct Program: Sendable {
    private let process: pid_t
    private let output: Int32
    private let error: Int32

    /// Starts `words` in a directory, in a process group of its own; `environment` is added to this process's.
    public init(_ words: [String], in directory: String = "/", environment: [String: String] = [:]) throws {
        output = try Self.nameless()
        error = try Self.nameless()
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, error, 2)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        let variables = Self.environment.merging(environment) { $1 }
        var arguments = unsafe Self.vector(["env", "-C", directory] + words)
        var settings = unsafe Self.vector(variables.map { "\($0.key)=\($0.value)" })
        defer { unsafe (arguments + settings).forEach { unsafe free($0) } }
        var started: pid_t = 0
        let result = unsafe posix_spawn(&started, "/usr/bin/env", &actions, &attributes, &arguments, &settings)
        process = started
        guard result == 0 else { throw ProgramFailure(description: "cannot start \(words[0]): error \(result)") }
    }

    /// Kills the program with SIGKILL, like the kernel's out-of-memory killer.
    public func kill() { _ = Glibc.kill(process, SIGKILL) }

    /// True until it exits.
    public var isRunning: Bool {
        var info = unsafe siginfo_t()
        // WNOWAIT leaves the process for wait().
        let result = unsafe waitid(P_PID, id_t(process), &info, WEXITED | WNOHANG | WNOWAIT)
        return unsafe result == 0 && info.si_signo == 0
    }

    /// Sends a signal.
    public func signal(_ number: Int32) { _ = Glibc.kill(process, number) }

    /// Waits until it exits.
    public func wait() -> ProgramResult {
        var status: Int32 = 0
        while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7f
        let (written, complaints) = (Self.content(output), Self.content(error))
        return ProgramResult(
            status: signal == 0 ? (status >> 8) & 0xff : -signal, output: String(decoding: written, as: UTF8.self),
            error: String(decoding: complaints, as: UTF8.self), bytes: written + complaints)
    }

    /// Starts a program and waits until it exits.
    public static func run(
        _ words: [String], in directory: String = "/", environment: [String: String] = [:]
    ) throws -> ProgramResult { try Program(words, in: directory, environment: environment).wait() }

    /// Runs a script with `sh`; returns its output without the last newline.
    ///
    /// - Throws: A ``ProgramFailure`` unless it exits with 0.
    @discardableResult
    public static func shell(_ script: String, in directory: String = "/") throws -> String {
        let outcome = try run(["sh", "-ec", script], in: directory)
        guard outcome.status == 0 else {
            throw ProgramFailure(description: "'\(script)' exited with \(outcome.status): \(outcome.error)")
        }
        return outcome.line
    }

    /// True if a program of this name is on PATH.
    public static func exists(_ name: String) -> Bool { (try? shell("command -v \(name)")) != nil }

    /// Returns the words as a null-terminated array of C strings, which the caller frees.
    private static func vector(_ words: [String]) -> [UnsafeMutablePointer<CChar>?] {
        unsafe words.map { unsafe strdup($0) } + [nil]
    }

    /// This process's environment, without variables that change the behaviour of `thaw`.
    private static var environment: [String: String] {
        var variables: [String: String] = [:]
        var next = unsafe environ
        while let variable = unsafe next.pointee {
            let text = unsafe String(cString: variable)
            if let equals = text.firstIndex(of: "=") {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            unsafe next += 1
        }
        // With this configuration no test reaches a public registry by accident.
        let tree = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        variables["CONTAINERS_REGISTRIES_CONF"] = "/\(tree)/fixtures/registries.conf"
        for name in ["THAW_STORE", "SOURCE_DATE_EPOCH", "XDG_DATA_HOME"] { variables[name] = nil }
        return variables
    }

    /// Creates an unnamed file for a stream.
    private static func nameless() throws -> Int32 {
        let name = "/tmp/thaw-stream.\(UInt64.random(in: 0 ... .max))"
        let descriptor = unsafe open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw ProgramFailure(description: "cannot make a file in /tmp: error \(errno)") }
        unsafe unlink(name)
        return descriptor
    }

    /// Reads the file and closes it.
    private static func content(_ descriptor: Int32) -> [UInt8] {
        defer { close(descriptor) }
        lseek(descriptor, 0, SEEK_SET)
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return bytes }
            bytes += buffer[..<count]
        }
    }
}

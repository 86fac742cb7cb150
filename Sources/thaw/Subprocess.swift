import Glibc
import Linux
import OCI
import SystemPackage

/// Another program that gives or takes a stream of bytes; what it says on stderr goes where ours goes.
enum Subprocess {
    /// Runs `words` and gives what it writes to `body`.
    static func read<T>(_ words: [String], _ body: (any ByteSource) throws -> T) throws -> T {
        let ends = try pipe()
        let output = OwnedDescriptor(owning: ends.output)
        let child = try start(words, closing: ends.input, as: STDOUT_FILENO)
        let result = Result { [source = FileSource(output)] in try body(source) }
        // The program's own failure says more than the archive that it did not write.
        try expectSuccess(words, child)
        return try result.get()
    }

    /// Runs `words` with what `body` writes as its input.
    static func write(_ words: [String], _ body: (any ByteSink) throws -> Void) throws {
        let ends = try pipe()
        let input = OwnedDescriptor(owning: ends.input)
        let child = try start(words, closing: ends.output, as: STDIN_FILENO)
        let result = feed(input, body)
        try expectSuccess(words, child)
        try result.get()
    }

    private static func feed(
        _ input: consuming OwnedDescriptor, _ body: (any ByteSink) throws -> Void
    ) -> Result<Void, any Error> {
        let sink = FileSink(input)
        return Result {
            try body(sink)
            try sink.flush()
        }
    }

    private static func pipe() throws -> (output: Int32, input: Int32) {
        var ends: [Int32] = [0, 0]
        guard unsafe Glibc.pipe(&ends) == 0 else { throw SystemError("pipe", nil, Errno(rawValue: errno)) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    /// Starts a program with `end` as its stream `number`, and closes our copy of that. Its other streams are nothing
    /// and, so that stdout stays ours, stderr.
    private static func start(_ words: [String], closing end: Int32, as number: Int32) throws -> pid_t {
        defer { close(end) }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, end, number)
        var vector = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { unsafe vector.forEach { unsafe free($0) } }
        var process: pid_t = 0
        let code = unsafe posix_spawnp(&process, words[0], &actions, nil, &vector, environ)
        if code == ENOENT {
            throw Failure(
                "'\(words[0])' is not installed", remedy: "apt-get install \(words[0])", status: .unmeasurable)
        }
        guard code == 0 else { throw SystemError("run", FilePath(words[0]), Errno(rawValue: code)) }
        return process
    }

    private static func expectSuccess(_ words: [String], _ process: pid_t) throws {
        var status: Int32 = 0
        while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
        guard status != 0 else { return }
        let text = status & 0x7f == 0 ? "exited with \((status >> 8) & 0xff)" : "was ended by signal \(status & 0x7f)"
        throw Failure("'\(words.joined(separator: " "))' \(text)")
    }
}

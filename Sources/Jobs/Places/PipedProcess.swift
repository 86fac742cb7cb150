internal import Glibc
internal import Linux
internal import OCI
internal import SystemPackage

/// A child process that writes or reads a stream of bytes; its other output is reported after it exits.
enum PipedProcess {
    /// Runs `words` and passes its stdout to `body`.
    static func read<T>(
        _ words: [String], _ host: any JobHost, _ body: (any ByteSource) throws -> T
    ) throws -> T {
        let ends = try pipe()
        let output = OwnedDescriptor(owning: ends.output)
        let stderrFile = try stderrFile()
        let child = try start(words, closing: ends.input, as: .output, stderrFile: stderrFile.rawValue)
        let result = Result { [source = FileSource(output)] in try body(source) }
        // The failure of the program explains more than that of reading an archive that it did not write.
        try expectSuccess(words, process: child, stderrFile: stderrFile, host: host)
        return try result.get()
    }

    /// Runs `words` with the bytes that `body` writes as its stdin.
    static func write(
        _ words: [String], _ host: any JobHost, _ body: (any ByteSink) throws -> Void
    ) throws {
        let ends = try pipe()
        let input = OwnedDescriptor(owning: ends.input)
        let stderrFile = try stderrFile()
        let child = try start(words, closing: ends.output, as: .input, stderrFile: stderrFile.rawValue)
        let result = feed(input, body)
        try expectSuccess(words, process: child, stderrFile: stderrFile, host: host)
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

    /// Creates an unnamed file for the program's remarks.
    ///
    /// Unlike a pipe it never blocks the program. Reading it does not wait for processes that the program left behind.
    private static func stderrFile() throws(SystemError) -> OwnedDescriptor {
        try OwnedDescriptor("/tmp", OpenFlags.readWrite.union(OpenFlags(rawValue: nameless)), mode: 0o600)
    }

    /// `O_TMPFILE`, which Glibc's module does not declare.
    private static let nameless: Int32 = 0o20_200_000

    /// The stream of the program that ends in a pipe of ours; the raw value is its descriptor.
    private enum PipedStream: Int {
        case input, output
    }

    /// Starts a program with `end` as its `stream`, and closes our copy of `end`.
    ///
    /// Of its other streams, stdin is empty, and the output goes to `stderrFile`.
    private static func start(
        _ words: [String], closing end: Int32, as stream: PipedStream, stderrFile: Int32
    ) throws -> pid_t {
        defer { close(end) }
        var streams: [Int32?] = [nil, stderrFile, stderrFile]
        streams[stream.rawValue] = end
        do throws(SystemError) {
            return try Spawn.start(words, streams: streams)
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            throw Failure(
                "'\(words[0])' is not installed", remedy: "apt-get install \(words[0])", status: .unmeasurable)
        }
    }

    private static func expectSuccess(
        _ words: [String], process: pid_t, stderrFile: borrowing OwnedDescriptor, host: any JobHost
    ) throws {
        let text: String
        let end = Spawn.wait(process)
        host.report(lines: OutputLines.text(try stderrFile.read(1 << 20, at: 0)))
        switch end {
        case .exited(0): return
        case .exited(let status): text = "exited with \(status)"
        case .signalled(let signal): text = "was ended by signal \(signal)"
        }
        throw Failure("'\(words.joined(separator: " "))' \(text)")
    }
}

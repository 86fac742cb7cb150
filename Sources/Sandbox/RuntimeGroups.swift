// Control groups that an OCI runtime makes, and that hold the kernel's count of out-of-memory kills.

internal import Linux
internal import Synchronization
internal import SystemPackage

extension OCIRuntime {
    private static let answers = Mutex<[FilePath: Bool]>([:])

    /// True if it has the option `--keep`, which leaves a container's groups after its end, as runc has since 1.1.
    ///
    /// Asks the program once.
    var canKeepGroups: Bool {
        if let known = Self.answers.withLock({ $0[program] }) { return known }
        let answer = (try? help())?.contains("--keep") == true
        Self.answers.withLock { $0[program] = answer }
        return answer
    }

    private func help() throws(SystemError) -> String {
        // A help text that is larger than a pipe's buffer is cut: the program may not block.
        let pipe = try Pipe(isNonBlocking: true)
        let process = try Spawn.start([program.string, "run", "--help"], streams: [nil, pipe.start.rawValue, nil])
        _ = Spawn.wait(process)
        let end = pipe.readingEnd()
        return String(decoding: try Pipe.drain(end), as: UTF8.self)
    }
}

import Glibc
import Harness

/// The attack programs, compiled once in a process, static.
enum AttackProgram {
    /// The directory with `probe`, and with `busybox`, the shell of attacks that need no C.
    static let directory: Result<TestDirectory, any Error> = Result {
        let testDirectory = try TestDirectory()
        let sources = "\(Repository.path)/Tests/AttackTests/Probe"
        let warnings = "-Wall -Wextra -Werror -Wno-missing-field-initializers"
        try Program.shell(
            """
            '\(try compiler.get())' -static -O1 \(warnings) '\(sources)'/*.c -o probe
            cp /bin/busybox busybox
            """, in: testDirectory.path)
        return testDirectory
    }

    /// A C compiler: Swift's, or the machine's.
    static let compiler: Result<String, any Error> = Result {
        try Program.shell("command -v clang || command -v cc")
    }

    /// Compiles the loader that overwrites the program loading it; `key` is in the command line of its processes.
    static func compileOverwriter(_ key: String, to path: String) throws {
        let flags = "-static -nostdlib -ffreestanding -fno-stack-protector -O1 -Wall -Wextra -Werror"
        let source = "\(Repository.path)/Tests/AttackTests/overwrite.c"
        try Program.shell("'\(try compiler.get())' \(flags) '-DKEY=\"\(key)\"' '\(source)' -o '\(path)'")
    }

    /// Makes a root file system in a directory: `bin` with the probe, a shell and its tools, and `out` for results.
    static func fill(_ root: String, in testDirectory: TestDirectory) throws {
        let tools = "sh cat chmod chown dd grep id ip ls mkdir mv nc nproc sleep stat touch true"
        try Program.shell(
            """
            mkdir -p '\(root)/bin' '\(root)/out' && chmod 1777 '\(root)/out' && cd '\(root)'
            cp '\(try directory.get().path)/probe' '\(try directory.get().path)/busybox' bin/
            for tool in \(tools); do ln -sf busybox bin/$tool; done
            """, in: testDirectory.path)
    }
}

/// The output of one run of the probe.
struct AttackResults: Sendable {
    let results: [String: AttackResult]

    /// Parses its lines; throws if the last one is missing.
    init(_ text: String) throws {
        var results: [String: AttackResult] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 2)
            if parts.count == 3, let result = AttackResult(parts[1], parts[2]) { results[String(parts[0])] = result }
        }
        guard results.removeValue(forKey: "end") != nil else {
            throw ProgramFailure(description: "the probe did not finish: \(text)")
        }
        self.results = results
    }

    /// Returns the value of a fact.
    func fact(_ name: String) -> String? {
        guard case .value(let text) = results[name] else { return nil }
        return text
    }

    /// Returns the results that violate the table, one sentence each.
    ///
    /// `live` is the same probe in a container of another tool on this machine. `host` has the facts of the process
    /// that starts `thaw`.
    func faults(account: UInt32, live: AttackResults?, host: AttackResults, except: Set<String> = []) -> [String] {
        Attack.table.filter { !except.contains($0.input) }.compactMap { attack in
            guard let result = results[attack.input] else { return "\(attack.input): no result" }
            let docker = attack.docker[account == 0 ? 0 : 1000] ?? .value("")
            let holds =
                switch (result, attack.condition) {
                case (.value(let text), let condition):
                    condition.holds(for: text, host: host.fact(attack.input) ?? "")
                case (.allowed, .refused): false
                case (.allowed, _): Self.allows(docker, live?.results[attack.input])
                default: true
                }
            return holds ? nil : "\(attack.kind): \(attack.input) is \(result), Docker's result is \(docker)"
        }
    }

    /// True if Docker and the live container both allow it.
    ///
    /// The recorded result is ignored if the recording kernel lacked the feature.
    private static func allows(_ docker: AttackResult, _ live: AttackResult?) -> Bool {
        switch docker {
        case .allowed: live?.isAllowed ?? true
        case .refused("EAFNOSUPPORT"), .refused("EPROTONOSUPPORT"): live?.isAllowed ?? true
        default: false
        }
    }
}

/// The host's side of an attack: objects with a name that no container may reach.
final class HostObjects: Sendable {
    /// The unique name of the objects.
    let key: String
    /// The port of the listener on the host's loopback.
    let port: Int
    private let program: Program

    /// Makes the objects; they are removed with this instance.
    init(in testDirectory: TestDirectory) throws {
        let key = "k\(UInt32.random(in: 1_000_000 ... .max))"
        self.key = key
        let probe = "\(try AttackProgram.directory.get().path)/probe"
        program = try Program(["sh", "-ec", "exec '\(probe)' serve \(key) >'\(testDirectory.path)/port.\(key)'"])
        var port: Int?
        for _ in 0..<500 where port == nil {
            usleep(10_000)
            port = Int(try Program.shell("cat '\(testDirectory.path)/port.\(key)' 2>/dev/null || true"))
        }
        guard let port else {
            program.kill()
            throw ProgramFailure(description: "the host's objects could not be made: \(program.wait().error)")
        }
        self.port = port
    }

    deinit {
        program.signal(SIGTERM)
        _ = program.wait()
    }
}

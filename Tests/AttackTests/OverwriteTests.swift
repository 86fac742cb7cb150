import Glibc
import Harness
import Testing

/// Attacks on the program's own file, as in CVE-2019-5736: on a copy in a test directory.
@Suite("Attacks on thaw's own file", .serialized, .enabled(if: Program.exists("clang") || Program.exists("cc")))
struct OverwriteTests {
    /// Commands of an image that execute the program which started them.
    static let commands = [
        "RUN [\"/proc/self/exe\"]", "RUN [\"/script\"]", "RUN [\"/overwrite\"]", "CMD [\"/proc/self/exe\"]",
        "CMD [\"/script\"]", "CMD [\"/overwrite\"]",
    ]

    @Test(
        "A container gets no descriptor of the program, can't write to it, and ends with it",
        arguments: commands, [SIGINT, SIGKILL])
    func root(command: String, signal: Int32) throws { try attack(command, signal: signal, caller: .root) }

    @Test(
        "The same holds if the caller owns the program", .enabled(if: Caller.user.unavailableReason == nil),
        arguments: commands, [SIGINT, SIGKILL])
    func owner(command: String, signal: Int32) throws { try attack(command, signal: signal, caller: .user) }

    @Test("exe-direct: a RUN of /proc/self/exe exits by itself", arguments: commands.prefix(2))
    func direct(command: String) throws {
        let testDirectory = try TestDirectory()
        try Self.writeImage(command, key: "none", in: testDirectory)
        // Without the loader, which is the attack.
        try Program.shell("sed -i /ld-linux/d context/Dockerfile", in: testDirectory.path)
        let program = try testDirectory.start(["build", "--progress", "quiet", "context"])
        for _ in 0..<300 where program.isRunning { usleep(50_000) }
        #expect(!program.isRunning, "\(command) does not end")
        program.signal(SIGINT)
        let outcome = program.wait()
        #expect(outcome.status == 1, "\(outcome.error)")
    }

    private func attack(_ command: String, signal: Int32, caller: Caller) throws {
        let testDirectory = try TestDirectory()
        let victim = try Victim(in: testDirectory)
        let thaw = try Installation(caller, in: testDirectory, binary: victim.program)
        if let number = thaw.user?.number { try Program.shell("chown -R \(number):\(number) '\(victim.directory)'") }
        let left = LeftoverProcesses(key: "k\(UInt32.random(in: 1_000_000 ... .max))")
        try Self.writeImage(command, key: left.key, in: testDirectory)
        let program = try Self.start(command, thaw)
        do {
            try left.appear(1, from: program)
            let handles = try left.handles(on: victim.files)
            #expect(handles == [], "\(handles)")
        } catch is ProgramFailure {
            // The program could not even be started, which is the best result.
        }
        signal == SIGKILL ? program.kill() : program.signal(signal)
        _ = program.wait()
        // Now no process runs the program, and its file can be written to.
        let (remaining, changes) = (try left.remaining(), try victim.changes())
        #expect(remaining == [], "\(remaining)")
        #expect(changes == [], "\(changes)")
    }

    /// Makes an image whose loader is the attack.
    private static func writeImage(_ command: String, key: String, in testDirectory: TestDirectory) throws {
        try Program.shell("mkdir -p context/out && chmod 1777 context/out", in: testDirectory.path)
        try AttackProgram.compileOverwriter(key, to: "\(testDirectory.path)/context/overwrite")
        try testDirectory.write("context/script", "#!/proc/self/exe\n", mode: 0o755)
        try testDirectory.write(
            "context/Dockerfile",
            """
            FROM scratch
            COPY overwrite script /
            COPY overwrite /lib64/ld-linux-x86-64.so.2
            COPY out /out
            \(command)

            """)
    }

    private static func start(_ command: String, _ thaw: Installation) throws -> Program {
        let build = ["build", "--progress", "quiet", "-t", "app", "context"]
        if command.hasPrefix("RUN") { return try thaw.start(build) }
        try thaw.succeed(build)
        return try thaw.start(["boot", "--engine", "container", "--probe", "log:^never$", "app"])
    }

    /// A copy of the program and of the file next to it.
    private struct Victim {
        let directory: String
        var program: String { "\(directory)/thaw" }
        var files: [String] { [program, "\(directory)/thaw-init"] }
        private let sums: String

        init(in testDirectory: TestDirectory) throws {
            directory = "\(testDirectory.path)/victim"
            try Program.shell(
                """
                mkdir '\(directory)' && cp '\(Binary.path)' '\(directory)/thaw'
                cp "$(dirname '\(Binary.path)')/thaw-init" '\(directory)/'
                """)
            sums = try Self.sums(directory)
        }

        /// Returns the check sums before and now if a file changed.
        func changes() throws -> [String] {
            let now = try Self.sums(directory)
            return now == sums ? [] : ["was \(sums)", "is \(now)"]
        }

        private static func sums(_ directory: String) throws -> String {
            try Program.shell("sha256sum *", in: directory)
        }
    }
}

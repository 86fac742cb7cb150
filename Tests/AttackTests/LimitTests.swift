import Glibc
import Harness
import Testing

/// Limits: those of the process that starts `thaw`, and requested ones.
@Suite("Attacks on limits") struct LimitTests {
    /// A hard limit of the caller, and its name in /proc/self/limits.
    static let hard = [
        ("nproc", "Max processes", 512), ("nofile", "Max open files", 256), ("core", "Max core file size", 0),
        ("memlock", "Max locked memory", 65536),
    ]

    @Test(
        "nproc: the caller's hard limit applies if it is smaller", arguments: hard, Caller.allCases)
    func smaller(limit: (name: String, words: String, value: Int), caller: Caller) throws {
        guard caller.unavailableReason == nil else { return }
        let directory = try TestDirectory()
        try AttackProgram.fill("context/tree", in: directory)
        try directory.write(
            "context/Dockerfile",
            Surface.base(0) + "RUN cat /proc/self/limits >/out/limits\nFROM scratch\nCOPY --from=0 /out /\n")
        let thaw = try Installation(caller, in: directory, binary: Self.wrapper(limit.name, limit.value, in: directory))
        let output = thaw.scratch("output")
        let outcome = try thaw.thaw(
            ["build", "--progress", "quiet", "--output", "type=local,dest=\(output)", "context"])
        #expect(outcome.status == 0, "\(outcome.error)")
        guard outcome.status == 0 else { return }
        let text = try Program.shell("cat '\(output)/limits'")
        let line = text.split(separator: "\n").first { $0.hasPrefix(limit.words) }
        let hard = line?.dropFirst(limit.words.count).split(separator: " ").dropFirst().first.flatMap { Int($0) }
        #expect(hard.map { $0 <= limit.value } == true, "\(text)")
    }

    /// Makes a script that runs the program with a hard limit that it can't raise.
    private static func wrapper(_ name: String, _ value: Int, in directory: TestDirectory) throws -> String {
        try directory.write(
            "limited/thaw",
            """
            #!/bin/sh
            drop=
            [ "$(id -u)" != 0 ] || drop='setpriv --bounding-set -sys_resource'
            exec prlimit --\(name)=\(value):\(value) $drop '\(Binary.path)' "$@"

            """, mode: 0o755)
        return "\(directory.path)/limited/thaw"
    }

    @Test("limits: a started container that exceeds its memory limit ends, with that reason")
    func memory() throws {
        let (directory, image) = try Self.image(
            "dd if=/dev/zero of=/dev/null bs=700M count=1 && echo survived; sleep 60")
        let outcome = try directory.thaw(
            "boot", "--engine", "container", "--memory", "128MiB", "--cpus", "1", "--timeout", "20s", "--probe",
            "log:^survived", image)
        #expect(outcome.status != 0, "700 MB in 128 MiB: \(outcome.output)")
        #expect(outcome.error.contains("memory"), "\(outcome.error)")
    }

    @Test("limits: a started container sees only its number of processors")
    func processors() throws {
        let (directory, image) = try Self.image("echo processors $(nproc) end; sleep 60")
        let outcome = try directory.thaw(
            "boot", "--engine", "container", "--cpus", "1", "--timeout", "20s", "--probe", "log:^processors 1 end",
            image)
        #expect(outcome.status == 0, "\(outcome.error)")
    }

    @Test("limits: a started container can't exceed its limit of processes")
    func processes() throws {
        // The shell exits if it can't fork.
        let (directory, image) = try Self.image(
            "(for i in \((1...30).map(String.init).joined(separator: " ")); do sleep 60 & done; echo started); sleep 60"
        )
        let outcome = try directory.thaw(
            "boot", "--engine", "container", "--pids", "20", "--timeout", "20s", "--probe", "log:^started", image)
        #expect(outcome.status != 0)
        #expect(!outcome.error.contains("Unknown option"), "\(outcome.error)")
    }

    @Test("limits: a RUN that exceeds its memory limit fails, with that reason")
    func memoryOfRun() throws {
        let directory = try TestDirectory()
        try AttackProgram.fill("context/tree", in: directory)
        try directory.write(
            "context/Dockerfile", Surface.base(0) + "RUN dd if=/dev/zero of=/dev/null bs=700M count=1\n")
        let outcome = try directory.thaw("build", "--progress", "quiet", "--resource", "memory=128MiB", "context")
        #expect(outcome.status == 1, "\(outcome.error)")
        #expect(outcome.error.contains("memory"), "\(outcome.error)")
    }

    private static func image(_ script: String) throws -> (TestDirectory, String) {
        let directory = try TestDirectory()
        try AttackProgram.fill("context/tree", in: directory)
        try directory.build(Surface.base(0) + "CMD [\"/bin/sh\", \"-c\", \"\(script)\"]\n")
        return (directory, "app")
    }
}

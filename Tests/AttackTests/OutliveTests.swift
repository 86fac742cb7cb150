import Glibc
import Harness
import Testing

/// Processes of containers that try to outlive `thaw`.
@Suite("Attacks on the end of a container", .serialized) struct OutliveTests {
    /// The modes of `probe outlive`; each has its user and program.
    static let manners = ["plain", "set-uid", "stopped", "detached", "traced", "forking", "tampering"]
    static let signals = [SIGINT, SIGTERM, SIGHUP, SIGKILL]

    @Test("No process of a RUN remains one second after a signal has ended thaw", arguments: signals, Caller.allCases)
    func run(signal: Int32, caller: Caller) throws {
        guard caller.unavailableReason == nil else { return }
        try outlive("RUN", signal: signal, caller: caller)
    }

    @Test("No process of a started image remains one second after thaw", arguments: [SIGINT, SIGKILL], Caller.allCases)
    func boot(signal: Int32, caller: Caller) throws {
        guard caller.unavailableReason == nil else { return }
        try outlive("CMD", signal: signal, caller: caller)
    }

    /// Runs all modes at once, each in a container of a separate `thaw`.
    private func outlive(_ instruction: String, signal: Int32, caller: Caller) throws {
        let directory = try TestDirectory()
        let thaw = try Installation(caller, in: directory)
        try AttackProgram.fill("context/tree", in: directory)
        let base = "k\(UInt32.random(in: 1_000_000 ... .max))"
        var running: [(manner: String, left: LeftoverProcesses, program: Program)] = []
        for manner in Self.manners {
            let left = LeftoverProcesses(key: "\(base)\(manner)")
            running.append((manner, left, try Self.start(instruction, manner, left.key, thaw)))
        }
        for (manner, left, program) in running { try left.appear(Self.least[manner] ?? 1, from: program) }
        for (_, _, program) in running { signal == SIGKILL ? program.kill() : program.signal(signal) }
        for (manner, left, program) in running {
            _ = program.wait()
            let remaining = try left.remaining()
            #expect(remaining == [], "\(instruction) \(manner) after signal \(signal): \(remaining)")
        }
    }

    /// The minimum number of processes in a mode.
    private static let least = ["detached": 2, "traced": 2, "forking": 20]

    private static func start(
        _ instruction: String, _ manner: String, _ key: String, _ thaw: Installation
    ) throws -> Program {
        let command = Surface.list(["/bin/\(manner == "set-uid" ? "raised" : "probe")", "outlive", manner, key])
        try thaw.directory.write(
            "context/\(manner)",
            """
            FROM scratch
            COPY tree /
            COPY --chmod=4755 tree/bin/probe /bin/raised
            USER \(manner == "set-uid" ? 1000 : 0)
            \(instruction) \(command)

            """)
        let build = ["build", "--progress", "quiet", "-f", "context/\(manner)", "-t", manner, "context"]
        if instruction == "RUN" { return try thaw.start(build) }
        try thaw.succeed(build)
        return try thaw.start(["boot", "--engine", "container", "--probe", "log:^never$", manner])
    }
}

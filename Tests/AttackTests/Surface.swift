import Harness

/// A way to run a program of an image.
struct Surface: Sendable, CustomStringConvertible {
    enum Command: String, Sendable {
        case run = "RUN"
        case boot = "boot --engine container"
    }

    let command: Command
    let caller: Caller
    /// The user in the image.
    let account: UInt32
    /// The value of `--isolation`; nil for the default.
    let isolation: String?

    var description: String {
        "\(command.rawValue) as \(caller.rawValue), user \(account), isolation \(isolation ?? "by default")"
    }

    /// All surfaces of this machine; add further modes of isolation here.
    static let all: [Surface] = {
        var all: [Surface] = []
        for command in [Command.run, .boot] {
            for caller in Caller.allCases where caller.unavailableReason == nil {
                for account in [UInt32(0), 1000] {
                    all.append(Surface(command: command, caller: caller, account: account, isolation: nil))
                }
            }
        }
        for mode in ["namespaces", "userns"] where Self.hasIsolation {
            for caller in Caller.allCases where caller.unavailableReason == nil {
                all.append(Surface(command: .run, caller: caller, account: 0, isolation: mode))
            }
        }
        return all
    }()

    /// True if `build` has the option `--isolation`.
    static let hasIsolation = {
        let help = try? Program.run([Binary.path, "build", "--help"])
        return help?.output.contains("--isolation ") == true
    }()

    /// Runs the probe on this surface.
    ///
    /// The environment of `thaw` has a variable that must not reach the probe.
    func probe(_ objects: HostObjects, in directory: TestDirectory) throws -> AttackResults {
        let thaw = try Installation(caller, in: directory)
        try AttackProgram.fill("context/tree", in: directory)
        let environment = ["THAW_ATTACK_SECRET": "1"]
        switch command {
        case .run:
            let words = ["/bin/probe", "/out/results", objects.key, "\(objects.port)"]
            try directory.write(
                "context/Dockerfile",
                Self.base(account) + "RUN \(Self.list(words))\nFROM scratch\nCOPY --from=0 /out /\n")
            let output = thaw.scratch("output")
            try thaw.succeed(
                ["build", "--progress", "quiet"] + (isolation.map { ["--isolation", $0] } ?? [])
                    + ["--output", "type=local,dest=\(output)", "context"], environment: environment)
            return try AttackResults(Program.shell("cat '\(output)/results'"))
        case .boot:
            let words = ["/bin/probe", "-", objects.key, "\(objects.port)"]
            try directory.write("context/Dockerfile", Self.base(account) + "CMD \(Self.list(words))\n")
            try thaw.succeed(["build", "--progress", "quiet", "-t", "attack", "context"])
            let console = thaw.scratch("console")
            try thaw.succeed(
                ["boot", "--engine", "container", "--probe", "log:^end value", "--console", console, "attack"],
                environment: environment)
            return try AttackResults(Program.shell("cat '\(console)'"))
        }
    }

    /// Returns the start of a Dockerfile with the attack programs.
    static func base(_ account: UInt32) -> String { "FROM scratch\nCOPY tree /\nUSER \(account)\n" }

    /// Returns the exec form of a command.
    static func list(_ words: [String]) -> String {
        "[" + words.map { "\"\($0)\"" }.joined(separator: ", ") + "]"
    }
}

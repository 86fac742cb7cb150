import ColdStart
import Linux
import OCI
import Probe
import Project
import Support
import Testing

@testable import Jobs

/// The settings of starts, from options and `thaw.toml`.
@Suite struct BootJobTests {
    private static func project(_ text: String) throws -> ProjectFile {
        try ProjectFile(parsing: text, name: "thaw.toml")
    }

    private static func scenario(
        _ options: StartOptions, _ project: ProjectFile?, _ edit: (inout ImageConfig) -> Void = { _ in }
    ) throws -> Scenario {
        let workspace = try Workspace()
        let image = try workspace.image([]).configured { config in
            config.command = ["/app", "serve"]
            config.environment = ["PATH=/bin"]
            edit(&config)
        }
        return try BootJob(options, project, host: FakeHost()).scenario(of: image)
    }

    @Test("Without options and a file, a start has the defaults")
    func defaults() throws {
        var options = StartOptions()
        options.probe = .tcp(port: 80)
        let scenario = try Self.scenario(options, nil)
        #expect(scenario.arguments == ["/app", "serve"])
        #expect(scenario.environment == ["PATH=/bin"])
        #expect(scenario.workingDirectory == "/")
        #expect((scenario.memoryBytes, scenario.processors, scenario.runs) == (512 << 20, 1, 1))
        #expect((scenario.timeout, scenario.isMemoryRequested) == (.seconds(60), false))
    }

    @Test("The file decides where an option is missing, and an option takes precedence")
    func precedence() throws {
        let project = try Self.project(
            """
            [probe]
            tcp = 80
            timeout = "5s"
            [boot]
            engine = "container"
            runs = 3
            memory = "64MiB"
            cpus = 2
            env = ["A=1"]
            """)
        let plain = try Self.scenario(StartOptions(), project)
        #expect((plain.memoryBytes, plain.processors, plain.runs, plain.timeout) == (64 << 20, 2, 3, .seconds(5)))
        #expect(plain.environment == ["PATH=/bin", "A=1"])
        #expect(plain.probe == .tcp(port: 80) && plain.isMemoryRequested)
        var options = StartOptions()
        (options.runs, options.memory, options.cpus, options.timeout) = (7, ByteCount(1 << 30), 1, .seconds(9))
        (options.engine, options.probe, options.environment) = (.qemu, .tcp(port: 81), ["A=2"])
        let own = try Self.scenario(options, project)
        #expect((own.memoryBytes, own.processors, own.runs, own.timeout) == (1 << 30, 1, 7, .seconds(9)))
        #expect(own.environment == ["PATH=/bin", "A=1", "A=2"])
        #expect(own.probe == .tcp(port: 81))
        #expect(try BootJob(options, project, host: FakeHost()).choice == .qemu)
        #expect(try BootJob(StartOptions(), project, host: FakeHost()).choice == .container)
    }

    /// Options, a project and a part of the message.
    private static let refused: [(@Sendable (inout StartOptions) -> Void, String, String)] = [
        ({ $0.runs = 0 }, "", "--runs, --cpus and --pids take positive numbers"),
        ({ $0.cpus = -1 }, "", "positive numbers"), ({ $0.processLimit = 5 }, "", "--pids needs --engine container"),
        ({ $0.environment = ["A"] }, "", "'A' is not an environment variable"),
        ({ $0.environment = ["=A"] }, "", "'=A' is not an environment variable"),
        ({ $0.console = "/proc/none/x" }, "", "--console '/proc/none/x' cannot be written"),
        ({ _ in }, "[boot]\nengine = \"fast\"", "engine 'fast' is not one of auto, kvm, qemu, container"),
    ]

    @Test("Settings that contradict each other are refused", arguments: refused.indices)
    func refusals(index: Int) throws {
        let (edit, text, message) = Self.refused[index]
        var options = StartOptions()
        options.probe = .tcp(port: 80)
        edit(&options)
        let failure = try #require(throws: Failure.self) { try BootJob(options, Self.project(text), host: FakeHost()) }
        #expect(failure.message.contains(message), "\(failure.message)")
    }

    @Test("The remedy of a missing probe names thaw.toml only where it is read", arguments: [true, false])
    func remedy(readsFile: Bool) throws {
        let failure = try #require(throws: Failure.self) {
            try Self.scenario(StartOptions(), readsFile ? ProjectFile() : nil)
        }
        #expect(failure.message.hasPrefix("a probe of the image's readiness is missing"))
        #expect(failure.remedy?.contains("thaw.toml") == readsFile)
        #expect(failure.status == .usage)
    }

    @Test("Without a probe, HEALTHCHECK is one, else the lowest TCP port of EXPOSE")
    func suggested() throws {
        let check = JSON.object(["Test": .strings(["CMD-SHELL", "true"])])
        #expect(
            try Self.scenario(StartOptions(), nil) {
                $0.healthcheck = check
                $0.exposedPorts = ["80"]
            }.probe == .exec(["/bin/sh", "-c", "true"]))
        let ports = ["9000/tcp", "53/udp", "8080"]
        #expect(try Self.scenario(StartOptions(), nil) { $0.exposedPorts = ports }.probe == .tcp(port: 8080))
        let none = JSON.object(["Test": .strings(["NONE"])])
        #expect(
            try Self.scenario(StartOptions(), nil) { ($0.healthcheck, $0.exposedPorts) = (none, ["1"]) }.probe
                == .tcp(port: 1))
    }

    @Test("The first of several probes is that of readiness, and the others must pass after it")
    func several() throws {
        var options = StartOptions()
        try options.add(probes: ["tcp:80", "exec:true"])
        let scenario = try Self.scenario(options, nil)
        #expect(scenario.probe == .tcp(port: 80))
        #expect(scenario.probeSet?.actions == [.tcp(port: 80), .exec(["true"])])
        #expect(throws: Failure.self) { try options.add(probes: ["tcp:80", "log:x"]) }
        try options.add(probes: ["healthcheck"])
        let failure = try #require(throws: Failure.self) { try Self.scenario(options, nil) { $0.exposedPorts = ["1"] } }
        #expect(failure.message == "the image has no HEALTHCHECK")
    }

    @Test("The text has phases and medians with three digits, and the document all samples")
    func results() throws {
        let measured = try StartMeasurement.fake([40.123, 1500, 51.456])
        #expect(
            measured.text == """
                engine container, accelerated
                  listen      51.5 ms
                first request after 51.5 ms (median of 3)
                """)
        let document = measured.document(digest: Digest(of: []), name: "app", console: nil)
        #expect(
            document["timeToFirstRequestMs"]?["samples"] == .array([.number(40.123), .number(1500), .number(51.456)]))
        #expect(document["image"]?["reference"] == .string("app"))
    }
}

import Glibc
import Linux
import Sandbox
import SystemPackage
import Testing

/// Commands run by crun or runc.
@Suite struct RuntimeTests {
    private static let programs = ["/usr/bin/crun", "/usr/sbin/runc"]

    private func shell(
        _ fixture: Fixture, _ program: String, _ script: String, _ edit: (inout Command) throws -> Void = { _ in }
    ) async throws -> (status: Sandbox.ExitStatus, output: String, error: String) {
        var command = Command(["/bin/sh", "-c", script])
        try edit(&command)
        let captured = Captured()
        let container = Container(fixture.overlay, runtime: OCIRuntime(FilePath(program)))
        let status = try await container.run(command) { captured.add($0, $1) }
        return (status, captured.text(.output), captured.text(.error))
    }

    @Test("Another runtime gives a command the same environment and makes the same layer", arguments: programs)
    func surroundings(program: String) async throws {
        let fixture = try Fixture()
        try fixture.directory.makeDirectories("data/inner")
        try fixture.write("data/file", "data\n")
        let script = """
            id -u; id -g; pwd; hostname; echo "$A $HOME"; cat /d/file; ! touch /d/x 2>/dev/null && echo protected
            ulimit -n; grep -E 'Seccomp:|CapBnd' /proc/self/status; tail -n 1 /etc/hosts; touch made; echo error >&2; exit 3
            """
        let result = try await shell(fixture, program, script) {
            $0.account = Account(uid: 100, gid: 101, home: Array("/srv".utf8))
            $0.environment = ["A=\"b\\\n", "PATH=/bin"]
            $0.workingDirectory = "/work/place"
            $0.hostname = "box"
            $0.hosts = [try HostEntry(parsing: "db:10.0.0.1")]
            $0.limits = [try Limit(parsing: "nofile=77:88")]
            $0.processLimit = 100
            $0.attachments = [
                Attachment(.below(fixture.path.appending("data"), path: "/"), at: "/d", isReadOnly: true),
                Attachment(.memory(size: nil), at: "/deep/er/memory"),
            ]
        }
        let capabilities = program.hasSuffix("crun") ? "00000000a00425fb" : "00000000a80425fb"
        #expect(
            result.output
                == """
                100
                101
                /work/place
                box
                "b\\
                 /srv
                data
                protected
                77
                CapBnd:\t\(capabilities)
                Seccomp:\t2
                10.0.0.1\tdb

                """, "\(result.error)")
        #expect(result.error.hasSuffix("error\n"))
        #expect(result.status == .exited(3))
        #expect(
            try fixture.directory.directory("upper").entries().map { String(decoding: $0.name, as: UTF8.self) } == [
                "work"
            ])
        #expect(try fixture.directory.status(of: "upper/work/place/made").uid == 100)
    }

    @Test("Limits are enforced with another runtime", arguments: programs)
    func limits(program: String) async throws {
        let fixture = try Fixture()
        let script = "dd if=/dev/zero of=/dev/null bs=200M count=1; echo $?; grep Cpus_allowed_list /proc/self/status"
        let result = try await shell(fixture, program, script) {
            $0.memoryLimit = 50 << 20
            $0.processLimit = 50
            let isLimited = try $0.cpus.limit(to: 1, of: CPUSet.allowed())
            #expect(isLimited)
        }
        let lines = result.output.split(separator: "\n")
        #expect(lines.first == "137", "\(result.output) \(result.error)")
        #expect(lines.last?.split(separator: "\t").last.flatMap { CPUSet(String($0)) }?.numbers.count == 1)
    }

    @Test("A network of its own is empty, or reaches other machines", arguments: programs)
    func networks(program: String) async throws {
        let fixture = try Fixture()
        let script = "ls /sys/class/net; ip -o link | grep -c 'lo: <LOOPBACK,UP'"
        #expect(try await shell(fixture, program, script) { $0.network = .none }.output == "lo\n1\n")
        let isolated = try await shell(fixture, program, "ip route | grep -c ^default") { $0.network = .isolated }
        #expect(isolated.output == "1\n", "\(isolated.error)")
    }

    @Test("Cancelling kills the container and leaves nothing behind", arguments: programs)
    func cancelled(program: String) async throws {
        let fixture = try Fixture()
        let container = Container(fixture.overlay, runtime: OCIRuntime(FilePath(program)))
        let (ready, signal) = AsyncStream<Void>.makeStream()
        let task = Task {
            defer { signal.finish() }
            let command = Command(["sh", "-c", "(sleep 161803 &); echo; exec sleep 161803"])
            return try await container.run(command) { _, _ in signal.yield() }
        }
        for await _ in ready.prefix(1) {}
        task.cancel()
        #expect(try await task.value == .signalled(SIGKILL))
        #expect(try fixture.directory.directory("upper").entries() == [])
        let table = String(decoding: try OwnedDescriptor("/proc/self/mountinfo").readAll(limit: 1 << 20), as: UTF8.self)
        #expect(!table.contains(fixture.path.string))
        for hierarchy in ["memory", "pids", "devices", "unified"] {
            guard let groups = try? Directory(FilePath("/sys/fs/cgroup/\(hierarchy)")).entries() else { continue }
            let names = groups.map { String(decoding: $0.name, as: UTF8.self) }
            // Other tests of this process may have groups that limit processes or memory.
            #expect(["pids", "memory"].contains(hierarchy) || !names.contains { $0.hasPrefix("thaw.\(getpid()).") })
        }
        #expect(try await container.run(Command(["true"])).isSuccess)
    }

    @Test(
        "A command that runs out of memory is reported, also if the runtime makes the group",
        .enabled(if: Container.enforcedLimits.contains("memory"), "no control group limits memory here"),
        arguments: programs)
    func memory(program: String) async throws {
        let fixture = try Fixture()
        let container = Container(fixture.overlay, runtime: OCIRuntime(FilePath(program)))
        for (size, isTooLarge) in [("300M", true), ("1M", false)] {
            var command = Command(["dd", "if=/dev/zero", "of=/dev/null", "bs=\(size)", "count=1"])
            command.memoryLimit = 64 << 20
            let running = try await container.start(command)
            #expect(try await running.wait().isSuccess == !isTooLarge)
            #expect(running.ranOutOfMemory == isTooLarge)
        }
    }

    @Test("The error of a missing runtime has its name")
    func missing() async throws {
        let fixture = try Fixture()
        await #expect(throws: SandboxError.command("/nowhere/crun", .noSuchFileOrDirectory)) {
            try await shell(fixture, "/nowhere/crun", "true")
        }
        #expect(try fixture.directory.directory("upper").entries() == [])
    }
}

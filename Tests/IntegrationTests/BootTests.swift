import Glibc
import Harness
import Testing

/// `thaw boot` with the container engine: the response, its figures, and failures.
@Suite struct BootTests {
    @Test("The document has the response, the times of the start, and its phases")
    func answers() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.build(
            "FROM busybox\nRUN mkdir /www && echo hello >/www/index.html\nUSER app\nCMD [\"httpd\", \"-f\", \"-p\", \"8080\", \"-h\", \"/www\"]\n"
        )
        let boot = try directory.document(
            "boot", "--engine", "container", "--probe", "http:8080/", "--runs", "3", "--format", "json", "app")
        #expect(boot["kind"] == .string("boot"))
        #expect(boot["engine"] == .string("container"))
        #expect(boot["runs"] == .number(3))
        #expect(boot["response"] == .object(["status": .number(200), "bytes": .number(6)]))
        let time = boot["timeToFirstRequestMs"]
        #expect(time.keys.isSuperset(of: ["median", "min", "max", "samples"]))
        #expect(time["samples"].list.count == 3)
        #expect((time["min"].number ?? -1) > 0)
        #expect((time["min"].number ?? 1) <= (time["max"].number ?? 0))
        #expect((boot["peakGuestMemoryBytes"].number ?? 0) > 0)
        let names = boot["phases"].list.compactMap(\.["name"].text)
        #expect(names.suffix(3) == ["exec", "listen", "firstByte"])
        let sum = boot["phases"].list.compactMap(\.["medianRunMs"].number).reduce(0, +)
        #expect(abs(sum - (time["median"].number ?? 0)) < 0.001)
        for phase in boot["phases"].list {
            #expect(phase.keys.isSuperset(of: ["name", "medianMs", "medianRunMs", "samplesMs"]))
        }
    }

    @Test("Two images are started in turns, and the document has a comparison")
    func twoImages() throws {
        let directory = try TestDirectory.withBusybox()
        let server = "CMD [\"httpd\", \"-f\", \"-p\", \"8080\", \"-h\", \"/www\"]"
        try directory.build("FROM busybox\nRUN mkdir /www && echo hello >/www/index.html\n\(server)\n", "-t", "fast")
        try directory.build(
            "FROM fast\nENTRYPOINT [\"sh\", \"-c\", \"sleep 1; exec \\\"$@\\\"\", \"sh\"]\n" + "\(server)\n",
            "-t", "slow")
        let document = try directory.document(
            "boot", "--engine", "container", "--probe", "http:8080/", "--runs", "7", "--format", "json", "fast", "slow")
        #expect(document["kind"] == .string("bootComparison"))
        #expect(document["before"]["runs"] == .number(7))
        #expect(document["comparison"]["verdict"] == .string("slower"))
        #expect((document["comparison"]["interval95"].list.first?.number ?? 0) > 1)
    }

    /// The start of an image that fails, and the reason in the message.
    static let failures: [(String, Int32, String)] = [
        ("CMD []", 1, "the image has neither ENTRYPOINT nor CMD, so there is nothing to start"),
        (
            "ENTRYPOINT [\"/nowhere\"]", 1,
            "the entrypoint '/nowhere' cannot be run: it or its interpreter does not exist"
        ),
        ("USER ghost", 1, "user 'ghost' is not in the image's /etc/passwd and /etc/group"),
        (
            "CMD [\"sleep\", \"1000\"]", 1,
            "probe tcp:8080 did not pass within 5 s: nothing listens on port 8080"
        ),
        (
            "CMD echo oops; exit 5", 1,
            "the entrypoint ended with status 5 before the probe passed; its last line was: oops"
        ),
    ]

    @Test("The message of a failed start has the reason", arguments: failures)
    func fails(line: String, status: Int32, sentence: String) throws {
        let directory = try TestDirectory.withBusybox()
        try directory.build("FROM busybox\n\(line)\n")
        let outcome = try directory.thaw(
            "boot", "--engine", "container", "--timeout", "5s", "--probe", "tcp:8080", "app")
        #expect(outcome.status == status)
        #expect(outcome.stderrLines.first == "thaw: \(sentence)")
        #expect(outcome.stderrLines.dropFirst().allSatisfy { $0.hasPrefix("      ") }, "\(outcome.error)")
        #expect(outcome.output == "")
        #expect(try Program.shell("cat /proc/mounts").contains(directory.path) == false)
    }

    @Test("A failed start writes its console to the file, and its last lines to the message")
    func failedConsole() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.build("FROM busybox\nCMD echo one; echo two; exit 5\n")
        let outcome = try directory.thaw(
            "boot", "--engine", "container", "--probe", "tcp:8080", "--console", "console", "app")
        #expect(outcome.status == 1)
        #expect(
            outcome.stderrLines == [
                "thaw: the entrypoint ended with status 5 before the probe passed; its last line was: two",
                "      the last lines of the console:", "        one", "        two",
                "      the whole console is in 'console'",
            ])
        #expect(try directory.read("console") == "one\ntwo")
    }

    @Test("The document has the path of the written console")
    func console() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.build("FROM busybox\nCMD echo ready; sleep 1000\n")
        let boot = try directory.document(
            "boot", "--engine", "container", "--probe", "log:^ready$", "--format", "json", "--console", "console",
            "app")
        #expect(boot["console"] == .string("console"))
        #expect(try directory.read("console") == "ready")
    }

    @Test("A pattern with exponential backtracking in other engines ends at the timeout")
    func hostilePattern() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.build("FROM busybox\nCMD echo \(String(repeating: "a", count: 60))!; sleep 1000\n")
        let outcome = try directory.thaw(
            "boot", "--engine", "container", "--timeout", "1s", "--probe", "log:(a+)+$", "app")
        #expect(outcome.stderrLines.first?.hasPrefix("thaw: probe log:(a+)+$ did not pass within 1 s") == true)
    }

    @Test("An interrupted start cleans up and leaves nothing", arguments: [SIGINT, SIGTERM])
    func interrupted(signal: Int32) throws {
        let directory = try TestDirectory.withBusybox()
        try directory.build("FROM busybox\nCMD sleep 1000\n")
        let program = try directory.start(["boot", "--engine", "container", "--probe", "tcp:8080", "app"])
        func areas() throws -> String { try Program.shell("ls \(directory.store)/thaw/layers | grep '^tmp' || true") }
        for _ in 0..<500 where try !Program.shell("cat /proc/*/mountinfo 2>/dev/null || true").contains(directory.path)
        {
            usleep(10_000)
        }
        program.signal(signal)
        let outcome = program.wait()
        #expect(outcome.status == 130)
        #expect(outcome.error == "thaw: the measurement was interrupted\n")
        #expect(try areas() == "")
        #expect(try Program.shell("cat /proc/*/mountinfo 2>/dev/null || true").contains(directory.path) == false)
    }

    @Test("Without QEMU the message names the package")
    func noEmulator() throws {
        let directory = try TestDirectory.withBusybox()
        let outcome = try directory.thaw(
            "boot", "--engine", "qemu", "--probe", "tcp:8080", "busybox", environment: ["PATH": "/nowhere"])
        #expect(outcome.status == 3)
        #expect(
            outcome.error
                == "thaw: qemu-system-x86_64 is not installed\n      install it with: apt-get install qemu-system-x86\n"
        )
    }
}

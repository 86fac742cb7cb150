import Glibc
import Harness
import Testing

/// `thaw slim` with probes: the original and the slim image are started, and must give the same results.
@Suite struct ProofTests {
    private static let greeting = "http:8080/cgi-bin/greet?en"

    /// The bench in which `fixtures/lazy` is built as `app`, made once.
    private static let made = Result {
        let directory = try TestDirectory.withBusybox()
        try directory.succeed("build", "--progress", "quiet", "-t", "app", "\(Repository.path)/fixtures/lazy")
        return directory
    }

    private static func directory() throws -> TestDirectory { try TestDirectory(copying: made.get()) }

    @discardableResult
    private static func slim(_ directory: TestDirectory, engine: String = "container", _ words: String...) throws
        -> ProgramResult
    {
        try directory.start(
            ["slim", "--engine", engine, "--settle", "0s", "--timeout", "10s", "--format", "json", "-t", "slim", "app"]
                + words
        ).wait()
    }

    @Test("A file that only a second path opens is dropped if only the first is probed")
    func unasked() throws {
        let directory = try Self.directory()
        let outcome = try Self.slim(directory, "--probe", "http:8080/")
        #expect(outcome.status == 0, "\(outcome.error)")
        let verification = try Document(parsing: outcome.output)["verification"]
        #expect(verification["passed"] == .bool(true))
        #expect(verification["engine"] == .string("container"))
        #expect(verification["probes"].list.map(\.["probe"].text) == ["http:8080/", "the program afterwards"])
        #expect(verification["probes"].list.first?["before"] == .string("status 200, 7 bytes"))
        #expect(try directory.thaw("analyze", "slim").status == 0)
        let gone = try directory.succeed(
            "slim", "app", "--level", "closure", "--explain", "/usr/lib/lazy/greeting.en")
        #expect(gone.hasPrefix("/usr/lib/lazy/greeting.en is dropped: nothing needs it; package lazy, layer "))
    }

    @Test("Without observation the second path shows a difference, and no image is stored")
    func difference() throws {
        let directory = try Self.directory()
        let before = try directory.succeed("images", "--format", "json")
        let outcome = try Self.slim(directory, "--no-observe", "--probe", "http:8080/", "--probe", Self.greeting)
        #expect(outcome.status == 1)
        #expect(outcome.output == "")
        #expect(
            outcome.stderrLines == [
                "thaw: the slim image differs from the original: "
                    + "\(Self.greeting): body, line 1 was 'hello', is 'no greeting'",
                "      keep the missing files with --include or --keep; no image was stored",
            ])
        #expect(try directory.succeed("images", "--format", "json") == before)
        #expect(try directory.faults() == [])
    }

    @Test("With observation the same probes pass, and --explain names the reason of the file")
    func observed() throws {
        let directory = try Self.directory()
        let outcome = try Self.slim(directory, "--probe", "http:8080/", "--probe", Self.greeting)
        #expect(outcome.status == 0, "\(outcome.error)")
        let slim = try Document(parsing: outcome.output)
        #expect(slim["verification"]["passed"] == .bool(true))
        #expect(slim["verification"]["observedFiles"].number ?? 0 > 3)
        #expect(slim["reasons"]["observed"].number ?? 0 > 0)
        // The package's other greeting was not opened: level closure keeps it with the package, level trace doesn't.
        func explain(_ level: String) throws -> String {
            try directory.succeed(
                "slim", "app", "-t", "x", "--engine", "container", "--probe", "http:8080/", "--probe", Self.greeting,
                "--settle", "0s", "--level", level, "--explain", "/usr/lib/lazy/greeting.fr")
        }
        #expect(try explain("trace").hasPrefix("/usr/lib/lazy/greeting.fr is dropped: nothing needs it; package lazy"))
        #expect(try explain("closure").contains("greeting.fr belongs to the package lazy of /usr/lib/lazy"))
        #expect(try directory.faults() == [])
    }

    @Test("A header and a body that change at every start are unstable, and no difference")
    func unstable() throws {
        let directory = try Self.directory()
        let outcome = try Self.slim(directory, "--probe", "http:8080/cgi-bin/random")
        #expect(outcome.status == 0, "\(outcome.error)")
        let probe = try #require(try Document(parsing: outcome.output)["verification"]["probes"].list.first)
        #expect(probe["unstable"].list.compactMap(\.text) == ["header x-lucky", "body"])
        #expect(probe["passed"] == .bool(true))
    }

    @Test("A command's exit status, output and errors are compared without a probe")
    func exec() throws {
        let directory = try Self.directory()
        let program = "sh -c 'cat /usr/lib/l*/greeting.en; echo oops >&2; exit 3'"
        let good = try Self.slim(directory, "--exec", program)
        #expect(good.status == 0, "\(good.error)")
        let probe = try #require(try Document(parsing: good.output)["verification"]["probes"].list.first)
        #expect(probe["before"] == .string("exit status 3, 6 bytes, 5 bytes"))
        let bad = try Self.slim(directory, "--no-observe", "--exec", program)
        #expect(bad.status == 1)
        #expect(bad.stderrLines.first?.contains("output, line 1 was 'hello', is ''") == true, "\(bad.error)")
    }

    @Test("unproven: Without a probe only level safe is stored, as NAME:slim, and its document says so")
    func unproven() throws {
        let directory = try Self.directory()
        let refused = try directory.thaw("slim", "app", "--level", "closure")
        #expect(refused.status == 64, "\(refused.error)")
        let replacing = try directory.thaw("slim", "app", "-t", "app")
        #expect(replacing.stderrLines.first == "thaw: the slim image would replace its source 'app:latest'")
        let document = try directory.document("slim", "app", "--format", "json")
        #expect(document["verification"]["state"] == .string("unproven"))
        #expect(document["verification"]["passed"] == .null)
        #expect(document["level"] == .string("safe"))
        #expect(try directory.succeed("slim", "app:slim").hasPrefix("already slim\n"))
        #expect(try directory.thaw("slim", "app", "--no-verify", "-t", "y").status == 0)
        let absent = try directory.thaw("slim", "app", "--explain", "/nowhere", "--include", "/nope/**")
        #expect(absent.output == "/nowhere is not in the image\n")
        #expect(absent.error.contains("--include '/nope/**' matches nothing in the image"))
        let plan = try directory.document("slim", "app", "--explain", "/usr/lib/lazy/*", "--format", "json")
        #expect(try DocumentSchema("slimExplanation").violations(by: plan) == [])
    }

    @Test("child-output: The output of children is compared, and their programs are kept if they are observed")
    func childOutput() throws {
        let directory = try Self.directory()
        try directory.write("context/stamp", "#!/bin/sh\necho 2026\n", mode: 0o755)
        try directory.write("context/status", "Package: clock\nStatus: install ok installed\nVersion: 1\n")
        try directory.write(
            "context/Dockerfile",
            """
            FROM busybox
            COPY status /var/lib/dpkg/status
            COPY stamp /bin/stamp
            RUN mkdir -p /var/lib/dpkg/info /www && echo /bin/stamp >/var/lib/dpkg/info/clock.list && echo up >/www/index.html
            CMD ["sh", "-c", "httpd -f -p 8080 -h /www & s=st; while sleep 1; do echo tick $(${s}amp); done"]
            """)
        try directory.succeed("build", "--progress", "quiet", "-t", "app", "context")
        let words = ["slim", "--engine", "container", "--probe", "http:8080/", "--settle", "3s", "-t", "s", "app"]
        let bad = try directory.start(words + ["--no-observe"]).wait()
        #expect(bad.status == 1)
        #expect(bad.stderrLines.first?.contains("the program's output: stdout was 'tick #', is missing") == true)
        let good = try directory.start(words + ["--format", "json"]).wait()
        #expect(good.status == 0, "\(good.error)")
        let verification = try Document(parsing: good.output)["verification"]
        #expect(
            verification["probes"].list.map { $0["before"].text ?? "" }.dropFirst() == [
                "it runs, 8080, httpd sh sleep", "1 kinds of lines on stdout",
            ])
    }

    @Test("An original that does not pass its probe is refused")
    func original() throws {
        let directory = try Self.directory()
        let outcome = try Self.slim(directory, "--probe", "http:8080/", "--probe", "http:8080/nowhere")
        #expect(outcome.status == 1)
        #expect(
            outcome.stderrLines.first?.hasPrefix(
                "thaw: the original image fails its probe: http:8080/nowhere: status 404, ") == true,
            "\(outcome.error)")
        let idle = try directory.thaw("slim", "app", "-t", "slim", "--engine", "container")
        #expect(idle.status == 64)
        #expect(idle.stderrLines.first == "thaw: the images are not started without --probe or --exec")
    }

    @Test(
        "A command that the original cannot run, or that does not exit, is refused",
        arguments: [
            ("/nowhere", "exec:/nowhere: the command cannot be run: "),
            ("sleep 60", "exec:sleep 60: no response before the timeout"),
        ])
    func idle(command: String, objection: String) throws {
        let directory = try Self.directory()
        let outcome = try Self.slim(directory, "--timeout", "2s", "--exec", command)
        #expect(outcome.status == 1)
        #expect(
            outcome.stderrLines.first?.hasPrefix(
                "thaw: the original image fails its probe: \(objection)") == true, "\(outcome.error)")
    }

    @Test("A line of the program's output is a probe, too")
    func log() throws {
        let directory = try Self.directory()
        try directory.write(
            "other/Dockerfile", "FROM app\nCMD [\"sh\", \"-c\", \"echo port 80 open; exec sleep 100\"]\n")
        try directory.succeed("build", "--progress", "quiet", "-t", "other", "other")
        let outcome = try directory.thaw(
            "slim", "--engine", "container", "--timeout", "10s", "-t", "slim", "other", "--probe", "log:port [0-9]+",
            "--exec", "cat /etc/passwd")
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(outcome.output.contains("  same  log:port [0-9]+: a line matched\n"), "\(outcome.output)")
        #expect(outcome.output.contains("  same  exec:cat /etc/passwd: exit status 0, "), "\(outcome.output)")
    }

    @Test(
        "In a microVM the guest's init observes opened files",
        .enabled(if: Program.exists("qemu-system-x86_64"), "QEMU is not installed"))
    func microVM() throws {
        let directory = try Self.directory()
        let outcome = try Self.slim(
            directory, engine: "qemu", "--probe", "http:8080/", "--probe", Self.greeting, "--exec", "cat /etc/group")
        #expect(outcome.status == 0, "\(outcome.error)")
        let slim = try Document(parsing: outcome.output)
        #expect(slim["verification"]["passed"] == .bool(true))
        #expect(slim["verification"]["observedFiles"].number ?? 0 > 3)
        #expect(slim["reasons"]["observed"].number ?? 0 > 0)
    }
}

import Harness
import Testing

/// Texts of images, Dockerfiles, commands and guests, which must not control the terminal in any command.
@Suite struct TerminalTests {
    /// A bench with an image and files whose texts are all hostile.
    private static let prepared = Result {
        let directory = try TestDirectory.withBusybox()
        var (lower, upper) = (TarMaker(), TarMaker())
        let secret =
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq9Vd0Xk3sQzTnYf4uJpLwRh2GmCeBaOiUyNtSxKlPoWqZv\n"
        lower.addFile("app/id_rsa\(Controls.all)", secret)
        for name in ["twice", "twice\(Controls.all)", "waste\(Controls.all)"] {
            lower.addFile("app/\(name)", String(repeating: name.count > 8 ? "y" : "x", count: 150_000))
        }
        lower.addFile("app/suid\(Controls.all)", "x", mode: 0o4755)
        lower.addFile(
            "var/lib/dpkg/status",
            "Package: a\(Controls.all)\nStatus: install ok installed\nVersion: 1\(Controls.all)\n")
        upper.addFile("app/.wh.waste\(Controls.all)")
        let text = LayoutMaker.quoted(Controls.all)
        let settings = """
            {"Env":["PATH=/bin","A=\(text.dropFirst().dropLast())"],"Labels":{\(text):\(text)},"Cmd":[\(text)],"User":"root",
            "Entrypoint":["/app/twice",\(text)],"ExposedPorts":{"80/tcp":{}},"WorkingDir":\(text)}
            """
        try LayoutMaker("hostile", in: directory).add(
            "hostile", layers: [lower.archive, upper.archive], architecture: "amd64\(Controls.all)", settings: settings,
            history: "RUN \(Controls.all)")
        try directory.succeed("copy", "oci:hostile:hostile", "hostile")
        try directory.write("context/name\(Controls.all.filter { $0 != "/" })", "x")
        return directory
    }

    private func directory() throws -> TestDirectory { try TestDirectory(copying: Self.prepared.get()) }

    /// Commands that show the image, and a part of their output.
    static let commands: [(words: [String], shown: String)] = [
        (["analyze", "hostile"], "\\u{1b}[31m"), (["analyze", "--format", "json", "hostile"], "\\u001b[31m"),
        (["analyze", "--format", "html", "hostile"], "\\u{1b}[31m"),
        (["history", "--no-trunc", "hostile"], "\\u{1b}[31m"),
        (["history", "hostile"], "\\u{1b}[31m"), (["history", "--format", "json", "hostile"], "\\u202e"),
        (["inspect", "hostile"], "\\u009b31m\\u007f\\u0085\\u202e\\u2066\\u2028"), (["images"], "hostile"),
        (["images", "--format", "json"], "hostile"), (["diff", "busybox", "hostile"], "\\u{202e}"),
        (["diff", "--format", "json", "busybox", "hostile"], "\\u202e"),
        (["slim", "-t", "x", "--explain", "/app/twice\(Controls.all)", "hostile"], "\\u{1b}[31m"),
        (["slim", "-t", "x", "hostile"], ""), (["df"], "images"),
        (["boot", "--engine", "container", "--probe", "tcp:80", "hostile"], "thaw: "),
        (["gate", "hostile"], "thaw: "), (["tag", "hostile", "x\(Controls.all)"], "\\u{1b}[31m"),
        (["history", "\(Controls.all)"], "\\u{1b}[31m"), (["images", "--\(Controls.all)"], "thaw: "),
        (["copy", "hostile", "docker-archive:/nowhere\(Controls.all)/x"], "\\u{1b}[31m"),
    ]

    @Test("Every command that shows an image escapes its texts", arguments: commands)
    func image(words: [String], shown: String) throws {
        let directory = try directory()
        let outcome = try directory.start(words).wait()
        #expect(outcome.controls == [])
        #expect((outcome.output + outcome.error).contains(shown), "\(outcome.output)\(outcome.error)")
    }

    @Test("A document that is exact for a program is filtered on a terminal", arguments: ["--raw", "--config"])
    func exact(option: String) throws {
        let directory = try directory()
        let blob = try directory.thaw("inspect", option, "hostile")
        if option == "--config" { #expect(blob.controls != []) }
        #expect(try Self.onTerminal(["inspect", option, "hostile"], in: directory).controls == [])
    }

    /// Lines after FROM whose error or output is hostile.
    static let steps: [(step: String, shown: String)] = [
        ("RUN printf '\(Controls.octal)\\nlast\\n'", "last"),
        ("RUN printf '\(Controls.octal)\\nlast\\n'; exit 3", "last"),
        ("RUN echo '\(Controls.all)'; exit 3", "exited with status 3"),
        ("COPY nowhere\(Controls.all) /", "\\u{1b}[31m"),
        ("LABEL a='\(Controls.all)'", ""), ("BOGUS \(Controls.all)", "unknown instruction"),
        ("RUN --bogus\(Controls.all)=1 x", "unknown flag"), ("USER \(Controls.all)\nRUN true", "\\u{1b}[31m"),
        ("COPY name* /x/", ""), ("ENV A=${B:?\(Controls.all)}", "\\u{1b}[31m"), ("FROM \(Controls.all)", "\\u{1b}[31m"),
    ]

    @Test(
        "A build shows hostile steps and their output as plain text", arguments: steps,
        ["plain", "json", "quiet", "tty", "auto"])
    func build(_ step: (step: String, shown: String), progress: String) throws {
        let directory = try directory()
        try directory.write("context/Dockerfile", "FROM busybox\n\(step.step)\n")
        let words = ["build", "--progress", progress, "--why", "-t", "app", "context"]
        let isOnTerminal = ["tty", "auto"].contains(progress)
        let outcome = try isOnTerminal ? Self.onTerminal(words, in: directory) : directory.start(words).wait()
        #expect(isOnTerminal ? outcome.foreignControls == [] : outcome.controls == [])
        guard !["json", "quiet"].contains(progress) else { return }
        #expect((outcome.output + outcome.error).contains(step.shown), "\(outcome.output)\(outcome.error)")
    }

    @Test("Checks of a Dockerfile escape its texts", arguments: steps)
    func look(step: String, shown: String) throws {
        let directory = try directory()
        try directory.write("context/Dockerfile", "FROM busybox AS b\n\(step)\n")
        let looks: [[String]] = [
            ["lint"], ["lint", "--format", "json"], ["lint", "--format", "sarif"], ["lint", "--dump", "ast"],
        ]
        for look in looks {
            #expect(try directory.start(look + ["context/Dockerfile"]).wait().controls == [], "\(look)")
        }
        for call in ["check", "check,format=json", "outline", "outline,format=json", "targets", "targets,format=json"] {
            #expect(try directory.thaw("build", "--call", call, "context").controls == [], "\(call)")
        }
    }

    @Test("JSON with hostile texts is valid, and contains them")
    func json() throws {
        let directory = try directory()
        try directory.write("context/Dockerfile", "FROM busybox\nBOGUS \(Controls.all)\n")
        let findings = try Document(parsing: directory.thaw("lint", "--format", "json", "context/Dockerfile").output)
        #expect(!findings.list.isEmpty)
        _ = try Document(parsing: directory.thaw("lint", "--format", "sarif", "context/Dockerfile").output)
        let rows = try directory.document("history", "--format", "json", "hostile").list
        #expect(rows.contains { $0["createdBy"].text == "RUN \(Controls.all)" })
    }

    @Test("A progress bar is shown in its last state, without colours", arguments: ["plain", "tty"])
    func bar(progress: String) throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write(
            "context/Dockerfile", "FROM busybox\nRUN printf ' 10%%\\r 50%%\\r100%%\\n\\033[32mgreen\\033[0m\\nend'\n")
        let outcome = try directory.thaw("build", "--progress", progress, "-t", "app", "context")
        let lines = outcome.error.split(separator: "\n").filter { $0.hasPrefix("[") }.map { $0.drop { $0 != " " } }
        #expect(lines.filter { $0.count < 10 } == [" 100%", " green", " end"])
    }

    @Test("A guest's console is plain text, in the message and in its file")
    func console() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.build("FROM busybox\nCMD printf '\(Controls.octal)\\none\\n\(Controls.octal)two'; exit 5\n")
        let outcome = try directory.thaw(
            "boot", "--engine", "container", "--probe", "tcp:8080", "--console", "console", "app")
        #expect(outcome.status == 1)
        #expect(outcome.error.contains("two"))
        #expect(outcome.controls == [])
        #expect(Controls.found(in: try Program.run(["cat", "\(directory.path)/console"]).bytes) == [])
    }

    @Test("A refused entry of an archive is named in plain text")
    func entry() throws {
        let directory = try TestDirectory.withBusybox()
        var tar = TarMaker()
        tar.addFile("../\(Controls.all)", "x")
        try directory.write("evil.tar", tar.archive)
        let outcome = try directory.thaw("import", "evil.tar", "evil")
        #expect(outcome.error.contains("\\u{1b}[31m"))
        #expect(outcome.controls == [])
    }

    @Test("A text with newlines can't look like another line of thaw")
    func forged() throws {
        let directory = try TestDirectory.withBusybox()
        var tar = TarMaker()
        tar.addFile("../x\nthaw: all is well", "x")
        try directory.write("evil.tar", tar.archive)
        let outcome = try directory.thaw("import", "evil.tar", "evil")
        #expect(outcome.error.split(separator: "\n").filter { $0.hasPrefix("thaw: ") }.count == 1)
    }

    /// Runs `thaw` on a terminal of its own; returns all output of the terminal.
    private static func onTerminal(_ words: [String], in directory: TestDirectory) throws -> ProgramResult {
        let quoted = words.map { "'" + $0.replacing("'", with: "'\\''") + "'" }.joined(separator: " ")
        try directory.write(
            "call", "#!/bin/sh\nexec '\(Binary.path)' --store '\(directory.store)' \(quoted)\n", mode: 0o755)
        return try Program.run(["script", "-qec", "./call", "/dev/null"], in: directory.path)
    }
}

extension ProgramResult {
    /// The controls on a terminal besides those that remove the live lines: each line from the last one up.
    fileprivate var foreignControls: [String] {
        guard let text = String(validating: bytes, as: UTF8.self) else { return controls }
        let live = #/\r\u{1b}\[K(?:\u{1b}\[A\u{1b}\[K)*/#.matchingSemantics(.unicodeScalar)
        return Controls.found(in: Array(text.replacing(live, with: "").utf8))
    }
}

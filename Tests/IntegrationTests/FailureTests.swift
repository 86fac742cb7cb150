import Harness
import Testing

/// Failed commands: one sentence, the exit status, and an undamaged store.
@Suite struct FailureTests {
    /// A failing build: the Dockerfile, the status, and the lines of the message.
    static let builds: [(String, Int32, [String])] = [
        (
            "FROM nobody/nothing\n", 1,
            [
                "thaw: Dockerfile:1: image 'nobody/nothing' is not in the store",
                "      add it with 'thaw load -i FILE' or 'thaw copy oci:DIR:TAG nobody/nothing'",
            ]
        ),
        (
            "FROM busybox\nRUN --bogus=1 x\n", 1,
            ["thaw: Dockerfile:2:5: unknown flag: --bogus", "  2 | RUN --bogus=1 x", "    |     ^"]
        ),
        (
            "FROM busybox\nRUN echo first; echo last >&2; exit 42\n", 1,
            [
                "thaw: Dockerfile:2: /bin/sh -c echo first; echo last >&2; exit 42: exited with status 42",
                "    first", "    last",
            ]
        ),
        ("FROM busybox\nUSER ghost\nRUN true\n", 1, ["thaw: Dockerfile:3: unable to find user ghost"]),
        ("FROM busybox\nRUN [\"/nowhere\"]\n", 1, []),
        ("FROM busybox\nCOPY nowhere /\n", 1, ["thaw: Dockerfile:2: \"/nowhere\": not found in the source"]),
        (
            "FROM busybox\nCOPY ../../etc/passwd /\n", 1,
            [
                "thaw: Dockerfile:2: \"/../../etc/passwd\": not found in the source",
                "      nothing above the context can be copied; build from the directory above with -f, or add "
                    + "--build-context",
            ]
        ),
        ("FROM busybox\nCOPY --from=nobody / /\n", 1, []),
        ("FROM busybox\nRUN --mount=type=cache true\n", 1, []),
        ("RUN true\n", 1, []),
        ("", 1, []),
    ]

    @Test("A failed build is reported in one sentence with its line", arguments: builds)
    func build(dockerfile: String, status: Int32, complaint: [String]) throws {
        let testDirectory = try TestDirectory.withBusybox()
        try testDirectory.write("context/Dockerfile", dockerfile)
        let outcome = try testDirectory.thaw("build", "--progress", "quiet", "-t", "app", "context")
        #expect(outcome.status == status)
        #expect(outcome.output == "")
        #expect(outcome.stderrLines.count == outcome.error.split(separator: "\n").count, "\(outcome.error)")
        #expect(!outcome.stderrLines.isEmpty)
        if !complaint.isEmpty { #expect(outcome.stderrLines == complaint) }
        #expect(try testDirectory.faults() == [])
        #expect(try testDirectory.document("images", "--format", "json")["images"].list.count == 1)
    }

    /// Files of a project that lead out of it or would block, made by a script, and the sentence.
    static let outsiders: [(String, String)] = [
        ("ln -s ../secret context/Dockerfile", "'context/Dockerfile' is outside of the directory 'context'"),
        ("ln -s $PWD/secret context/Dockerfile", "'context/Dockerfile' is outside of the directory 'context'"),
        ("mkfifo context/Dockerfile", "'context/Dockerfile' is not a regular file"),
        ("mkfifo context/thaw.toml", "'context/thaw.toml' is not a regular file"),
        (
            "echo FROM busybox >context/Dockerfile; printf '[build]\\ncontext = \"..\"\\n' >context/thaw.toml",
            "thaw.toml: context = \"..\" is outside of the directory 'context'"
        ),
        (
            "printf '[build]\\ndockerfile = \"../secret\"\\n' >context/thaw.toml",
            "thaw.toml: dockerfile = \"../secret\" is outside of the directory 'context'"
        ),
    ]

    @Test("A project can't choose files outside of its directory", arguments: outsiders)
    func outside(script: String, sentence: String) throws {
        let testDirectory = try TestDirectory()
        try Program.shell("mkdir context; echo canary >secret; \(script)", in: testDirectory.path)
        let outcome = try testDirectory.thaw("optimize", "--probe", "tcp:80", "context")
        #expect(outcome.status == 64, "\(outcome.error)")
        #expect(outcome.stderrLines.first == "thaw: \(sentence)", "\(outcome.error)")
        #expect(!outcome.error.contains("canary"))
    }

    /// Arguments that are wrong usage.
    static let usages: [[String]] = [
        ["bild"], ["build", "--bogus"], ["build", "nowhere"], ["build", "--build-arg"], ["history"],
        ["boot", "--engine", "steam", "busybox"], ["boot", "busybox"], ["boot", "--probe", "smoke:8", "busybox"],
        ["boot", "--probe", "tcp:1", "--timeout", "soon", "busybox"], ["gate", "--config", "budgit.toml", "busybox"],
        ["boot", "--probe", "log:(a)\\1", "busybox"], ["boot", "--probe", "tcp:1", "--env", "=x", "busybox"],
        ["boot", "--probe", "tcp:1", "--engine", "kvm", "--from-snapshot", "nowhere", "busybox"],
        ["boot", "--probe", "tcp:1", "--engine", "container", "--keep", "busybox"],
        ["boot", "--probe", "tcp:1", "--engine", "qemu", "--kernel", "nowhere", "busybox"],
        ["boot", "--probe", "tcp:1", "--engine", "qemu", "--kernel", "budgit.toml", "busybox"],
        ["slim", "--keep", "everything", "-t", "x", "busybox"], ["images", "--format", "yaml"],
        ["tag", "busybox", "UPPER:case"], ["copy", "docker://", "x"],
        ["optimize", "--config", "budgit.toml", "busybox"],
    ]

    @Test("Wrong usage exits with 64 and a message", arguments: usages)
    func usage(words: [String]) throws {
        let testDirectory = try TestDirectory.withBusybox()
        try testDirectory.write("budgit.toml", "[budgit]\nsize = \"1MB\"\n")
        let outcome = try testDirectory.start(words).wait()
        #expect(outcome.status == 64, "\(outcome.error)")
        #expect(outcome.error.hasPrefix("thaw: "), "\(outcome.error)")
        #expect(outcome.output == "")
    }

    @Test("An unknown key of thaw.toml is named")
    func unknownKey() throws {
        let testDirectory = try TestDirectory.withBusybox()
        try testDirectory.write("thaw.toml", "[budget]\nsise = \"1MB\"\n")
        let outcome = try testDirectory.thaw("gate", "busybox")
        #expect(outcome.status == 64)
        #expect(outcome.error.contains("sise"))
    }

    @Test("The kernel of thaw.toml is relative to the file, and a flag takes precedence")
    func kernelOfProject() throws {
        let testDirectory = try TestDirectory.withBusybox()
        try testDirectory.write(
            "sub/thaw.toml",
            "[probe]\ntcp = 80\n[boot]\nengine = \"qemu\"\nkernel = \"own/none\"\n[budget]\nstart = \"9s\"\n")
        for (flags, path) in [([], "sub/own/none"), (["--kernel", "none"], "none")] {
            let outcome = try testDirectory.start(["gate", "--config", "sub/thaw.toml"] + flags + ["busybox"]).wait()
            #expect(outcome.status == 64)
            #expect(outcome.stderrLines == ["thaw: kernel '\(path)' cannot be read: No such file or directory"])
        }
    }

    @Test("A missing image is reported", arguments: ["history", "analyze", "rm"])
    func missingImage(command: String) throws {
        let testDirectory = try TestDirectory.withBusybox()
        let outcome = try testDirectory.thaw(command, "nowhere")
        #expect(outcome.status == 1)
        #expect(outcome.stderrLines.first == "thaw: image nowhere:latest is not in the store \(testDirectory.store)")
    }

    /// Entries that leave the root.
    static let archives: [(String, @Sendable (inout TarMaker) -> Void)] = [
        ("parent", { $0.addFile("etc/../../passwd", "x") }),
        ("link", { $0.addLink("file", to: "../../etc/passwd") }),
    ]

    @Test(
        "An archive that leaves the root, or is damaged, is refused and nothing of it is kept",
        arguments: ["parent", "link", "cut", "noise"])
    func hostileArchive(kind: String) throws {
        let testDirectory = try TestDirectory.withBusybox()
        var tar = TarMaker()
        tar.addFile("fine", String(repeating: "fine", count: 1000))
        for (name, add) in Self.archives where name == kind { add(&tar) }
        var bytes = tar.archive
        if kind == "cut" { bytes = Array(bytes.prefix(2000)) }
        if kind == "noise" { bytes = (0..<5000).map { _ in UInt8.random(in: 128...255) } }
        try testDirectory.write("evil.tar", bytes)
        let outcome = try testDirectory.thaw("import", "evil.tar", "evil")
        #expect(outcome.status == 1)
        #expect(outcome.stderrLines.first != nil, "\(outcome.error)")
        #expect(try testDirectory.document("images", "--format", "json")["images"].list.count == 1)
        #expect(try testDirectory.faults() == [])
    }

    @Test("A link out of the root never reaches the host, when imported, added and run")
    func hostileLink() throws {
        let testDirectory = try TestDirectory.withBusybox()
        try Program.shell("mkdir outside && echo untouched >outside/file", in: testDirectory.path)
        var tar = TarMaker()
        tar.addSymlink("way", to: "\(testDirectory.path)/outside")
        tar.addFile("way/file", "touched")
        tar.addFile("/absolute", "inside")
        try testDirectory.write("context/evil.tar", tar.archive)
        let imported = try testDirectory.thaw("import", "context/evil.tar", "evil")
        let built = try testDirectory.start(["build", "-t", "app", "--progress", "quiet", "context"])
        _ = built.wait()
        try testDirectory.write(
            "context/Dockerfile", "FROM busybox\nADD evil.tar /\nRUN echo touched >/way/file || true\n")
        _ = try testDirectory.thaw("build", "--progress", "quiet", "-t", "app", "context")
        #expect(try testDirectory.read("outside/file") == "untouched")
        #expect([0, 1].contains(imported.status))
        #expect(try testDirectory.faults() == [])
    }

    /// Scripts that damage a blob.
    static let damages = [
        "truncate -s -1 $blob", "printf x | dd of=$blob bs=1 seek=100 conv=notrunc status=none", "rm $blob",
    ]

    @Test("A damaged blob is named and never used", arguments: damages)
    func damagedBlob(damage: String) throws {
        let testDirectory = try TestDirectory.withBusybox()
        let layer = try Inspection("busybox", in: testDirectory).manifest["layers"][0]["digest"].text ?? ""
        let blob = "\(testDirectory.store)/blobs/sha256/\(layer.dropFirst(7))"
        try Program.shell("blob=\(blob); chmod u+w $blob; \(damage)")
        let outcome = try testDirectory.thaw("copy", "busybox", "oci:layout:x")
        #expect(outcome.status == 1)
        #expect(outcome.stderrLines.first?.hasPrefix("thaw: blob \(layer) ") == true, "\(outcome.error)")
        let other = try TestDirectory()
        let loaded = try other.thaw("copy", "oci:\(testDirectory.store):docker.io/library/busybox:latest", "busybox")
        #expect(loaded.status == 1)
        #expect(try other.faults() == [])
        let built = try testDirectory.thaw("build", "--progress", "quiet", "-t", "app", "-f", "-", "/var/empty")
        #expect(built.status != 0)
    }

    @Test("The error of an impossible store path names the store", arguments: ["/proc/nope", "/dev/null/store"])
    func noStore(place: String) throws {
        let outcome = try Program.run([Binary.path, "images", "--store", place], in: "/")
        #expect(outcome.status == 1)
        #expect(
            outcome.stderrLines.first?.hasPrefix("thaw: cannot open the store: make directory '\(place.prefix(6))")
                == true)
    }

    @Test("A missing directory or image is reported before a missing probe")
    func optimizeNothing() throws {
        let testDirectory = try TestDirectory()
        let directory = try testDirectory.thaw("optimize", "./nowhere")
        #expect(directory.status == 64)
        #expect(directory.stderrLines == ["thaw: there is no directory './nowhere'"])
        let image = try testDirectory.thaw("optimize", "nowhere")
        #expect(image.stderrLines.first?.hasPrefix("thaw: image nowhere:latest is not in the store") == true)
    }

    @Test("A full disk is reported, and the store is valid after it")
    func fullDisk() throws {
        let testDirectory = try TestDirectory.withBusybox()
        let disk = "\(testDirectory.path)/disk"
        try Program.shell("mkdir \(disk) && mount -t tmpfs -o size=8m tmpfs \(disk)")
        defer { _ = try? Program.shell("umount \(disk)") }
        try testDirectory.write(
            "context/Dockerfile",
            "FROM busybox\nRUN dd if=/dev/urandom of=/big bs=1M count=4\nRUN cat /big /big >/more\n")
        func thaw(_ words: String...) throws -> ProgramResult {
            try Program.run([Binary.path] + words + ["--store", "\(disk)/store"], in: testDirectory.path)
        }
        #expect(try thaw("copy", "oci:\(testDirectory.store):docker.io/library/busybox:latest", "busybox").status == 0)
        let outcome = try thaw("build", "--progress", "quiet", "-t", "app", "context")
        #expect(outcome.status == 1)
        #expect(outcome.stderrLines.first?.hasPrefix("thaw: Dockerfile:") == true, "\(outcome.error)")
        #expect(outcome.error.contains("No space left on device"), "\(outcome.error)")
        #expect(try thaw("prune", "--all").status == 0)
        try testDirectory.write("context/Dockerfile", "FROM busybox\nRUN echo fits\n")
        #expect(try thaw("build", "--progress", "quiet", "-t", "app", "context").status == 0)
        #expect(try Program.shell("ls \(disk)/store/thaw/ingest") == "")
    }

    @Test("Simultaneous builds on one store all succeed")
    func twoBuilds() throws {
        let testDirectory = try TestDirectory.withBusybox()
        var running: [Program] = []
        for index in 0..<4 {
            try testDirectory.write(
                "c\(index % 2)/Dockerfile",
                "FROM busybox\nRUN for i in 1 2 3; do echo $i >>/file; done\nRUN echo \(index % 2) >/other\n")
            try Program.shell("touch -d @1700000000 c\(index % 2)/Dockerfile", in: testDirectory.path)
            running.append(
                try testDirectory.start(["build", "--progress", "quiet", "-t", "app\(index)", "c\(index % 2)"]))
        }
        let outcomes = running.map { $0.wait() }
        for outcome in outcomes { #expect(outcome.status == 0, "\(outcome.error)") }
        #expect(outcomes[0].output == outcomes[2].output)
        #expect(outcomes[1].output == outcomes[3].output)
        #expect(try testDirectory.document("images", "--format", "json")["images"].list.count == 5)
        #expect(try testDirectory.faults() == [])
    }

    @Test("Builds succeed while the store is pruned repeatedly")
    func pruneMeanwhile() throws {
        let testDirectory = try TestDirectory.withBusybox()
        for index in 0..<4 {
            try testDirectory.write(
                "c/Dockerfile",
                "FROM busybox\nRUN echo \(index) >/a\nRUN cat /a /a >/b\nFROM busybox\nCOPY --from=0 /b /c\n")
            let build = try testDirectory.start(["build", "--progress", "quiet", "-t", "app\(index)", "c"])
            let prunes = try (0..<3).map { _ in try testDirectory.start(["prune", "--all"]) }
            let outcomes = [build.wait()] + prunes.map { $0.wait() }
            for outcome in outcomes { #expect(outcome.status == 0, "\(outcome.error)") }
        }
        #expect(try testDirectory.document("images", "--format", "json")["images"].list.count == 5)
        #expect(try testDirectory.faults() == [])
    }

    @Test("A Dockerfile's own .dockerignore replaces the context's, and an error in it is reported with its line")
    func ownIgnoreFile() throws {
        let testDirectory = try TestDirectory()
        try testDirectory.write("context/one", "1")
        try testDirectory.write("context/two", "2")
        try testDirectory.write("context/.dockerignore", "one\n")
        try testDirectory.write("context/Dockerfile.dockerignore", "two\nDockerfile*\n.dockerignore\n")
        try testDirectory.build("FROM scratch\nCOPY . /\n")
        let files = try Inspection("app", in: testDirectory).listings().last ?? []
        #expect(files.map { $0.split(separator: " ").last } == ["one"])
        try testDirectory.write("context/Dockerfile.dockerignore", "fine\n[a-\n")
        let outcome = try testDirectory.thaw("build", "--progress", "quiet", "context")
        #expect(outcome.status == 1)
        #expect(outcome.stderrLines.first?.contains("Dockerfile.dockerignore:2") == true, "\(outcome.error)")
    }
}

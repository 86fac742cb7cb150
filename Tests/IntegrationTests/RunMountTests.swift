import Harness
import Testing

/// RUN --mount: the files that the command sees, the contents of the layer, and the cache.
@Suite("RUN --mount")
struct RunMountTests {
    /// Flags of one RUN, its command, options of the build, and the output.
    static let cases: [(flags: String, command: String, options: [String], says: String)] = [
        // bind
        ("--mount=target=/m", "cat /m/a /m/sub/b", [], "AB"),
        ("--mount=type=bind,source=sub,target=/m", "cat /m/b", [], "B"),
        ("--mount=type=bind,source=a,target=/m/file", "cat /m/file", [], "A"),
        ("--mount=type=bind,source=/../sub/../a,target=m", "cat /work/m", [], "A"),
        ("--mount=target=/m", "ls /m | tr '\\n' ' '", [], "a link sub "),
        ("--mount=target=/m", "echo x 2>&- >/m/a || echo read-only", [], "read-only"),
        ("--mount=target=/m,rw", "echo x >/m/a; cat /m/a", [], "x"),
        ("--mount=target=/m", "stat -c %u:%g /m/a", [], "0:0"),
        ("--mount=target=/m", "readlink /m/link", [], "sub/b"),
        ("--mount=source=link,target=/m", "cat /m", [], "B"),
        ("--mount=from=tools,target=/tools", "cat /tools/tool", [], "T"),
        ("--mount=from=tools,source=tool,target=/bin/tool", "cat /bin/tool", [], "T"),
        ("--mount=from=tools,target=/tools,rw", "echo x >/tools/tool; cat /tools/tool", [], "x"),
        ("--mount=from=busybox,source=/base,target=/m", "cat /m/one", [], "1"),
        // cache
        ("--mount=type=cache,target=/c", "stat -c %a:%u:%g /c", [], "755:0:0"),
        ("--mount=type=cache,target=/c,mode=0700,uid=5,gid=6", "stat -c %a:%u:%g /c", [], "700:5:6"),
        ("--mount=type=cache,target=/c,from=tools", "cat /c/tool", [], "T"),
        ("--mount=type=cache,target=/c,ro", "touch /c/x 2>&- || echo read-only", [], "read-only"),
        ("--mount=type=cache,id=x,target=/c --mount=type=cache,id=x,target=/d", "echo 1 >/c/f; cat /d/f", [], "1"),
        // tmpfs
        ("--mount=type=tmpfs,target=/t", "grep -c ' /t tmpfs ' /proc/mounts", [], "1"),
        ("--mount=type=tmpfs,target=/t,size=1m", "dd if=/dev/zero of=/t/f bs=2M 2>&- || echo full", [], "full"),
        // secret
        ("--mount=type=secret,id=key", "cat /run/secrets/key", ["--secret", "id=key,src=secret"], "s3cret-w0rd"),
        (
            "--mount=type=secret,id=key", "stat -c %a:%u:%g /run/secrets/key", ["--secret", "id=key,src=secret"],
            "400:0:0"
        ),
        (
            "--mount=type=secret,id=key,target=/k,mode=0440,uid=100,gid=101", "stat -c %a:%u:%g /k",
            ["--secret", "id=key,src=secret"], "440:100:101"
        ),
        ("--mount=type=secret,target=/etc/key", "cat /etc/key", ["--secret", "id=key,src=secret"], "s3cret-w0rd"),
        (
            "--mount=type=secret,id=key,env=KEY", "echo $KEY; ls -d /run/* 2>&- || true",
            ["--secret", "id=key,src=secret"],
            "s3cret-w0rd"
        ),
        ("--mount=type=secret,id=key,env", "echo $key", ["--secret", "id=key,env=WORD"], "from the environment"),
        ("--mount=type=secret,id=key,env=KEY", "echo \"<${KEY-unset}>\"", [], "<>"),
        ("--mount=type=secret,id=key", "ls /run/secrets/key 2>&- || echo absent", [], "absent"),
    ]

    private static func directory() throws -> TestDirectory {
        let directory = try TestDirectory.withBusybox()
        for (name, text) in [("a", "A"), ("sub/b", "B"), ("ignored", "I")] {
            try directory.write("context/\(name)", text)
        }
        try directory.write("context/.dockerignore", "ignored\nDockerfile\n.dockerignore\n")
        try directory.write("secret", "s3cret-w0rd")
        try Program.shell("ln -s sub/b context/link", in: directory.path)
        return directory
    }

    private static func dockerfile(_ flags: String, _ command: String) -> String {
        """
        FROM scratch AS tools
        COPY <<tool /
        T
        tool
        FROM busybox
        WORKDIR /work
        RUN \(flags) { \(command); } >/said
        """
    }

    @Test("The command sees the mounted files, and the layer has none of them", arguments: cases)
    func sees(flags: String, command: String, options: [String], says: String) throws {
        let directory = try Self.directory()
        try directory.write("context/Dockerfile", Self.dockerfile(flags, command))
        let words = ["build", "--progress", "quiet", "-t", "app"] + options + ["context"]
        let outcome = try directory.start(words, environment: ["WORD": "from the environment"]).wait()
        try #require(outcome.status == 0, "\(outcome.error)")
        let image = try Inspection("app", in: directory)
        let layers = try image.listings()
        let last = try #require(layers.last)
        #expect(try image.content(of: "said", inLayer: layers.count - 1).split(separator: "\n").joined() == says)
        #expect(last.map { $0.split(separator: " ").last } == ["said"], "mount points don't stay")
        // The command wrote the secret to the last layer itself, which is plain in the store.
        let own = image.manifest["layers"].list.last?["digest"].text?.split(separator: ":").last ?? ""
        let others = try Program.shell("grep -r s3cret-w0rd store --exclude-dir=layers -l || true", in: directory.path)
            .split(separator: "\n").filter { !$0.hasSuffix(own) }
        #expect(others == [])
    }

    /// A build that must fail, its options, and the message.
    static let refused: [(flags: String, options: [String], says: String)] = [
        ("--mount=type=bind", [], "target is required"),
        ("--mount=type=bind,target=/", [], #"invalid mount target "/""#),
        ("--mount=source=nothing,target=/m", [], #""/nothing": not found"#),
        (
            "--mount=type=secret,id=key,required", [],
            "Dockerfile:7: the secret 'key' is required; give it with --secret"
        ),
        ("--mount=type=secret,id=key", ["--secret", "id=key,env=NOWHERE"], "the secret 'key' cannot be read"),
        ("--mount=type=ssh,required", [], "the SSH agent 'default' is required"),
        ("--security=insecure", [], "RUN --security=insecure is not allowed; give --allow security.insecure"),
        ("--network=host", [], "RUN --network=host is not allowed; give --allow network.host"),
    ]

    @Test("A mount that is impossible or not allowed is refused in one sentence", arguments: refused)
    func refuses(flags: String, options: [String], says: String) throws {
        let directory = try Self.directory()
        try directory.write("context/Dockerfile", Self.dockerfile(flags, "true"))
        let outcome = try directory.start(["build", "--progress", "quiet"] + options + ["context"]).wait()
        #expect(outcome.status == 1)
        #expect(outcome.error.contains(says), "\(outcome.error)")
    }

    @Test("A cache keeps its files between builds, is listed, exported and removed, and changes no digest")
    func cache() throws {
        let directory = try TestDirectory.withBusybox()
        let dockerfile = """
            FROM busybox
            RUN --mount=type=cache,id=counts,target=/c echo x >>/c/lines; wc -l </c/lines >&2
            """
        let first = try directory.build(dockerfile)
        #expect(try directory.build(dockerfile, "--no-cache") == first)
        let cache = try directory.document("cache", "ls", "--format", "json")["caches"][0]
        #expect(cache["id"].text == "counts")
        #expect(cache["size"].number == 4, "two lines")
        try directory.succeed("cache", "export", "counts", "kept")
        #expect(
            try directory.build(
                "FROM kept\nCOPY --from=busybox /bin /bin\nRUN cmp /lines - </dev/null || wc -l /lines >/n")
                != "")
        let image = try Inspection("app", in: directory)
        #expect(try image.content(of: "n", inLayer: image.listings().count - 1) == "2 /lines")
        try directory.succeed("cache", "rm", "counts")
        try directory.succeed("cache", "import", "kept", "counts")
        try directory.build(dockerfile, "--no-cache")
        #expect(try directory.document("cache", "ls", "--format", "json")["caches"][0]["size"].number == 6)
        try directory.succeed("cache", "rm", "--all")
        #expect(try directory.document("cache", "ls", "--format", "json")["caches"] == .array([]))
        #expect(try directory.thaw("cache", "rm", "counts").status == 1)
    }

    @Test("A locked cache is used by one command at a time, and a private one by one command only")
    func sharing() throws {
        let directory = try TestDirectory.withBusybox()
        func stage(_ name: String, _ sharing: String) -> String {
            """
            FROM busybox AS \(name)
            RUN --mount=type=cache,id=\(sharing),sharing=\(sharing),target=/c \
            ls /c >/\(name); touch /c/\(name); sleep 1; ls /c >>/\(name); rm /c/\(name)
            """
        }
        for sharing in ["locked", "private"] {
            let dockerfile = [
                stage("one", sharing), stage("two", sharing), "FROM busybox", "COPY --from=one /one /",
                "COPY --from=two /two /", "RUN cat /one /two >/both",
            ]
            try directory.build(dockerfile.joined(separator: "\n"), "--jobs", "2")
            let image = try Inspection("app", in: directory)
            let count = try image.listings().count
            #expect(try image.content(of: "both", inLayer: count - 1) == "one\ntwo", "\(sharing)")
        }
    }

    @Test("A change of a bound file runs the command again, a change of another file doesn't")
    func keys() throws {
        let directory = try Self.directory()
        func steps() throws -> [Bool] {
            try directory.build(
                Self.dockerfile("--mount=source=sub,target=/m", "cat /m/b"), "--metadata-file", "metadata.json")
            let steps = try Document(parsing: directory.read("metadata.json"))["thaw.steps"].list
            return steps.filter { $0["line"].number == 7 }.map { $0["cached"] == .bool(true) }
        }
        #expect(try steps() == [false])
        try directory.write("context/a", "other")
        #expect(try steps() == [true])
        try directory.write("context/sub/b", "other")
        #expect(try steps() == [false])
    }

    @Test("The agent's socket belongs to the user of the RUN")
    func agent() throws {
        let directory = try TestDirectory.withBusybox()
        let listen =
            "import socket,sys,time; s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); time.sleep(60)"
        let agent = try Program(
            ["python3", "-c", listen, "\(directory.path)/agent"], in: directory.path, environment: [:])
        try Program.shell("until [ -S agent ]; do sleep 0.05; done", in: directory.path)
        try directory.build(
            """
            FROM busybox
            USER app
            RUN --mount=type=ssh,uid=100,gid=101 stat -c '%F %a %u:%g' $SSH_AUTH_SOCK >/tmp/said
            """, "--ssh", "default=\(directory.path)/agent")
        agent.kill()
        let image = try Inspection("app", in: directory)
        let count = try image.listings().count
        #expect(try image.content(of: "tmp/said", inLayer: count - 1) == "socket 600 100:101")
    }

    @Test("thaw debug has a failed command's files, variables and mounts, until the next build")
    func debug() throws {
        let directory = try Self.directory()
        try directory.write(
            "context/Dockerfile",
            """
            FROM busybox
            ENV WHO=me
            WORKDIR /work
            RUN --mount=source=sub,target=/m --mount=type=secret,id=key,env=KEY --mount=type=cache,target=/c \
                echo written >made && false
            """)
        let words = ["build", "--progress", "quiet", "--secret", "id=key,src=secret", "context"]
        #expect(try directory.start(words).wait().status == 1)
        #expect(
            try directory.succeed("debug", "--", "sh", "-c", "pwd; cat made /m/b; echo $WHO $KEY")
                == "/work\nwritten\nBme s3cret-w0rd")
        #expect(try directory.succeed("debug", "--", "sh", "-c", "echo more >>made") == "")
        #expect(try directory.succeed("debug", "--", "cat", "made") == "written\nmore")
        #expect(try directory.thaw("debug", "--", "sh", "-c", "exit 7").status == 7)
        #expect(try Program.shell("grep -r s3cret-w0rd store -l || true", in: directory.path) == "")
        try directory.build("FROM busybox\nRUN true\n")
        #expect(try directory.thaw("debug").status == 1)
    }
}

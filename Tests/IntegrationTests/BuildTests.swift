import Harness
import Testing

/// `thaw build`, checked by the layers and the configuration that other programs read.
@Suite struct BuildTests {
    @Test("Every instruction changes its part of the configuration")
    func configuration() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.build(
            """
            ARG BASE=nothing
            FROM $BASE AS first
            ARG WHO=nobody
            ENV GREETING="hello $WHO" EMPTY=
            WORKDIR /srv
            WORKDIR app
            FROM first
            USER app:web
            EXPOSE 80 53/udp
            LABEL a=b c="d e"
            VOLUME /data
            STOPSIGNAL SIGINT
            SHELL ["/bin/sh", "-ec"]
            HEALTHCHECK --interval=10s CMD ["true"]
            ENTRYPOINT ["/app", "--serve"]
            CMD echo $GREETING
            """, "--build-arg", "BASE=busybox", "--build-arg", "WHO=world", "--label", "c=f")
        let image = try Inspection("app", in: directory)
        #expect(
            image.setting("Env")
                == .array([.string("PATH=/bin"), .string("GREETING=hello world"), .string("EMPTY=")]))
        #expect(image.setting("WorkingDir") == .string("/srv/app"))
        #expect(image.setting("User") == .string("app:web"))
        #expect(image.setting("ExposedPorts").keys == ["80/tcp", "53/udp"])
        #expect(image.setting("Labels") == .object(["a": .string("b"), "c": .string("f")]))
        #expect(image.setting("Volumes").keys == ["/data"])
        #expect(image.setting("StopSignal") == .string("SIGINT"))
        #expect(image.setting("Healthcheck")["Test"] == .array([.string("CMD"), .string("true")]))
        #expect(image.setting("Healthcheck")["Interval"] == .number(10e9))
        #expect(image.setting("Entrypoint") == .array([.string("/app"), .string("--serve")]))
        #expect(
            image.setting("Cmd") == .array([.string("/bin/sh"), .string("-ec"), .string("echo $GREETING")]))
        #expect(image.config["os"] == .string("linux"))
    }

    @Test("A heredoc that starts with #! is a script that no layer contains")
    func script() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.build(
            """
            FROM busybox
            RUN <<made
            #!/bin/sh
            echo "$0 by $(id -u)" >/told
            made
            ENTRYPOINT ["/bin/sh"]
            """)
        let image = try Inspection("app", in: directory)
        let layers = try image.listings()
        #expect(try image.content(of: "told", inLayer: layers.count - 1) == "/dev/pipes/made by 0")
        #expect(layers.joined().filter { $0.contains("pipes") } == [])
    }

    @Test("RUN has the variables, directory, user and files of the steps before it")
    func run() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.build(
            """
            FROM busybox
            ARG WHO=argument
            ENV GREETING=hello
            WORKDIR /work
            RUN echo "$GREETING $WHO in $PWD" >shell
            RUN ["/bin/sh", "-c", "cat shell shell >exec"]
            USER app
            RUN id -u >/tmp/user && id -g >>/tmp/user
            RUN <<EOF
            cat /work/exec >/tmp/here
            echo end >>/tmp/here
            EOF
            FROM scratch
            COPY --from=0 /work/exec /tmp/user /tmp/here /
            """)
        let image = try Inspection("app", in: directory)
        #expect(try image.content(of: "exec", inLayer: 0) == "hello argument in /work\nhello argument in /work")
        #expect(try image.content(of: "user", inLayer: 0) == "100\n101")
        #expect(try image.content(of: "here", inLayer: 0).hasSuffix("in /work\nend"))
    }

    @Test("RUN --network=none and build --network=none leave only the loopback", arguments: [true, false])
    func noNetwork(inDockerfile: Bool) throws {
        let directory = try TestDirectory.withBusybox()
        let flag = inDockerfile ? "--network=none " : ""
        try directory.build(
            "FROM busybox\nRUN \(flag)tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' ' >/links\n",
            "--network", inDockerfile ? "default" : "none")
        #expect(try Inspection("app", in: directory).content(of: "links", inLayer: 5) == "lo")
    }

    /// A line after `FROM busybox`, and the entries that the last layer must have.
    static let layers: [(String, [String])] = [
        ("RUN chmod 4755 /base/one", ["-rwsr-xr-x 0/0 base/one"]),
        ("RUN rm /base/one", ["---------- 0/0 base/.wh.one"]),
        ("RUN rm -rf /base", ["---------- 0/0 .wh.base"]),
        (
            "RUN rm -rf /base && mkdir /base && echo 3 >/base/three",
            ["---------- 0/0 base/.wh.one", "---------- 0/0 base/.wh.two", "-rw-r--r-- 0/0 base/three"]
        ),
        ("RUN mkdir /l && echo 1 >/l/a && ln /l/a /l/b", ["-rw-r--r-- 0/0 l/a", "hrw-r--r-- 0/0 l/b link to l/a"]),
        ("RUN ln -s ../one /base/link", ["lrwxrwxrwx 0/0 base/link -> ../one"]),
        ("RUN mknod /null c 1 3 && mkfifo /fifo", ["crw-r--r-- 0/0 null", "prw-r--r-- 0/0 fifo"]),
        ("RUN echo x >/x && chown app:web /x && chmod 2640 /x", ["-rw-r-S--- 100/101 x"]),
        ("RUN mv /base /moved", ["---------- 0/0 .wh.base", "-rw-r--r-- 0/0 moved/one", "-rw-r--r-- 0/0 moved/two"]),
        ("RUN rm /base/one && mkdir /base/one", ["drwxr-xr-x 0/0 base/one/"]),
        ("COPY file /copied", ["-rw-r--r-- 0/0 copied"]),
        ("COPY --chown=app:web file /", ["-rw-r--r-- 100/101 file"]),
        ("COPY --chown=7:8 --chmod=0751 file dir/", ["-rwxr-x--x 7/8 dir/file"]),
        ("COPY tree /t", ["-rw-r--r-- 0/0 t/a", "lrwxrwxrwx 0/0 t/b -> a", "drwxr-xr-x 0/0 t/c/"]),
        ("COPY tree/* /t/", ["-rw-r--r-- 0/0 t/a"]),
        ("ADD file /added", ["-rw-r--r-- 0/0 added"]),
        ("ADD tree.tar /u/", ["-rw-r--r-- 0/0 u/tree/a", "lrwxrwxrwx 0/0 u/tree/b -> a"]),
        ("COPY tree.tar /u/", ["-rw-r--r-- 0/0 u/tree.tar"]),
        ("WORKDIR /new/place", ["drwxr-xr-x 0/0 new/", "drwxr-xr-x 0/0 new/place/"]),
    ]

    @Test("A layer contains the changes of its step", arguments: layers)
    func layer(line: String, entries: [String]) throws {
        let directory = try TestDirectory.withBusybox()
        try Program.shell(
            """
            mkdir -p context/tree/c && cd context && echo content >file && echo a >tree/a && ln -s a tree/b
            tar --owner=0 --group=0 -cf tree.tar tree && chmod 644 file tree/a
            """, in: directory.path)
        try directory.build("FROM busybox\n\(line)\n")
        let found = try Inspection("app", in: directory).listings().last ?? []
        for entry in entries { #expect(found.contains(entry), "\(entry) is not among \(found)") }
        #expect(try directory.faults() == [])
    }

    @Test("Extended attributes that RUN sets are in the layer, also capabilities")
    func attributes() throws {
        let directory = try TestDirectory()
        try directory.succeed("load", "-i", Bases.path)
        // setcap is not in the base; Python writes the same attribute.
        try directory.build(
            """
            FROM python:3-slim
            RUN ["python3", "-c", "import os, struct; open('/tool', 'w').close(); \\
                os.setxattr('/tool', 'security.capability', struct.pack('<5I', 0x02000001, 1 << 10, 0, 0, 0)); \\
                os.setxattr('/tool', 'user.note', b'kept')"]
            RUN ["python3", "-c", "import os; assert os.getxattr('/tool', 'user.note') == b'kept'; \\
                open('/seen', 'w').write(os.getxattr('/tool', 'security.capability').hex())"]
            """)
        let seen = try Inspection("app", in: directory).content(of: "seen", inLayer: 2)
        #expect(seen == "0100000200040000000000000000000000000000")
    }

    @Test(".dockerignore keeps files out of the context")
    func dockerignore() throws {
        let directory = try TestDirectory()
        try Program.shell(
            "mkdir -p context/logs/keep && cd context && touch a.log b.txt logs/c.txt logs/keep/d.txt",
            in: directory.path)
        try directory.write("context/.dockerignore", "*.log\nlogs/*\n!logs/keep\nDockerfile\n.dockerignore\n")
        try directory.build("FROM scratch\nCOPY . /\n")
        let files = try Inspection("app", in: directory).listings().last?.map { String($0.split(separator: " ")[2]) }
        #expect(Set(files ?? []) == ["b.txt", "logs/", "logs/keep/", "logs/keep/d.txt"])
    }

    @Test("--target builds only that stage and those that it needs")
    func target() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.build(
            "FROM busybox AS wanted\nRUN echo 1 >/wanted\nFROM busybox AS other\nRUN false\nFROM wanted\nCOPY --from=other / /\n",
            "--target", "wanted")
        #expect(try Inspection("app", in: directory).content(of: "wanted", inLayer: 5) == "1")
    }

    @Test("-f names a Dockerfile outside the context")
    func dockerfileElsewhere() throws {
        let directory = try TestDirectory()
        try directory.write("elsewhere/My.Dockerfile", "FROM scratch\nCOPY file /\n")
        try directory.write("context/file", "1")
        try directory.succeed("build", "-t", "app", "-f", "elsewhere/My.Dockerfile", "context")
        #expect(try Inspection("app", in: directory).content(of: "file", inLayer: 0) == "1")
    }

    @Test("--iidfile and --metadata-file have the values of buildx, and every step")
    func metadata() throws {
        let directory = try TestDirectory.withBusybox()
        let id = try directory.build(
            "FROM busybox\nRUN true\n", "--iidfile", "id", "--metadata-file", "metadata.json")
        let metadata = try Document(parsing: directory.read("metadata.json"))
        // The digest is that of the image in a registry, whose layers are compressed.
        try directory.succeed("copy", "app", "oci:layout:app")
        let exported = try Document(parsing: directory.read("layout/index.json"))["manifests"][0]["digest"]
        #expect(metadata["containerimage.digest"] == exported)
        #expect(metadata["containerimage.descriptor"]["digest"] == exported)
        #expect(metadata["image.name"] == .string("docker.io/library/app:latest"))
        let config = try Inspection("app", in: directory).manifest["config"]["digest"]
        #expect(metadata["containerimage.config.digest"] == config)
        #expect(.string(try directory.read("id")) == config)
        #expect(.string(id) == config)
        let steps = metadata["thaw.steps"].list
        #expect(steps.map(\.["instruction"]) == [.string("RUN true")])
        for step in steps {
            #expect(step.keys == ["stage", "line", "instruction", "cached", "reason", "durationMs"])
        }
    }
}

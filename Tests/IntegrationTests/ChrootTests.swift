import Glibc
import Harness
import Testing

/// RUN without namespaces: the same layers, and no processes or files left.
@Suite(.enabled(if: geteuid() == 0, "only root may change its root directory here")) struct ChrootTests {
    /// Steps that change files in every way that a layer can store.
    static let changes: [(name: String, steps: String)] = [
        (
            "add and change",
            "RUN echo 1 >/new && echo 3 >>/base/one && : >/base/two && mkdir -p /a/b/c && echo x >/a/b/c/d"
        ),
        ("modes", "RUN chmod 4755 /base/one && chmod 1777 /base && chmod 2750 /etc && touch /s && chmod 6711 /s"),
        ("owners", "RUN chown 5:6 /base/one && chown -h 7:8 /bin/sh && mkdir /mine && chown app:web /mine"),
        ("remove", "RUN rm /base/one && rm -r /tmp && echo 1 >/z"),
        ("remove all", "RUN rm -rf /base /etc/group"),
        ("directory anew", "RUN rm -rf /base && mkdir /base && echo new >/base/new"),
        (
            "directory anew with the same file",
            "RUN cp -p /base/one /saved && rm -rf /base && mkdir /base && cp -p /saved /base/one && rm /saved"
        ),
        ("directory to file", "RUN rm -rf /base && echo file >/base"),
        ("file to directory", "RUN rm /base/one && mkdir /base/one && echo x >/base/one/x"),
        ("file to link", "RUN rm /base/one && ln -s two /base/one && ln -sf busybox /bin/cat"),
        ("link to directory", "RUN rm /bin/wget && mkdir /bin/wget && echo 1 >/bin/wget/x"),
        ("directory to link", "RUN rm -rf /base && ln -s /etc /base"),
        ("new hard links", "RUN echo 1 >/one && ln /one /two && ln /two /a-third"),
        ("hard link to a lower file", "RUN ln /base/one /linked && ln /base/one /base/zz"),
        ("moved directory", "RUN mv /base /moved && echo 3 >/moved/three"),
        ("moved file", "RUN mv /base/one /base/1 && mv /base/two /two"),
        ("same again", "RUN chmod 644 /base/one && chown 0:0 /base/one && touch -r /base/one /base/one"),
        (
            "same time and size, other content",
            "RUN cp -p /base/one /t && echo 7 >/base/one && touch -r /t /base/one && rm /t"
        ),
        ("made and removed", "RUN echo 1 >/base/x && rm /base/x && mkdir /gone && rmdir /gone"),
        ("times", "RUN touch -d @1000000000 /base/one && mkdir /d && touch /d/f && touch -d @1100000000 /d"),
        ("special files", "RUN mkfifo -m 640 /fifo && ln -s nowhere /dangling && mknod /null c 1 3"),
        ("odd names", "RUN touch '/a b' /-n \"/$(printf 'n\\\\nl')\" && rm -f /base/two"),
        ("deep", "RUN d=/; for i in $(seq 60); do d=$d/deep; mkdir $d; done; echo 1 >$d/f && rm -rf /base"),
        ("users", "USER app\nWORKDIR /srv/app\nRUN echo $HOME >/tmp/home && touch x && id -u >y"),
        ("working directory", "WORKDIR /made/here\nRUN pwd >x"),
        (
            "steps that build on each other",
            "RUN echo 1 >/one\nRUN rm /one && ln /base/one /two\nCOPY Dockerfile /base/\nRUN rm -r /base && mkdir /base"
        ),
        ("stages", "RUN echo 1 >/one\nFROM busybox\nCOPY --from=0 /one /two\nRUN cat /two >/three"),
        (
            "cache, bind and secret mounts",
            """
            RUN --mount=type=cache,target=/c --mount=type=bind,target=/b --mount=type=secret,id=k,target=/etc/k \\
                cat /b/Dockerfile /etc/k >/seen; echo 1 >/c/x; ls /c >/cached
            RUN --mount=type=cache,target=/c cp /c/x /again
            RUN --mount=type=bind,from=busybox,source=/base/one,target=/deep/down/one cat /deep/down/one >/one
            """
        ),
        ("a script", "RUN <<'EOT'\n#!/bin/sh\necho $0 >/name\nEOT"),
        ("only devices", "RUN echo 1 >/dev/null; head -c 4 /dev/zero >/zeros; ls -d /dev/null /dev/urandom >/names"),
    ]

    @Test("Every isolation makes the same layer", arguments: changes)
    func same(step: (name: String, steps: String)) throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write("key", "secret")
        let dockerfile = "FROM busybox\n\(step.steps)\n"
        func digest(_ options: String...) throws -> String {
            try directory.write("context/Dockerfile", dockerfile)
            try Program.shell("touch -d @1700000000 context context/Dockerfile", in: directory.path)
            let words = ["build", "--no-cache", "--progress", "quiet", "--secret", "id=k,src=key"] + options
            let outcome = try directory.start(words + ["context"]).wait()
            guard outcome.status == 0 else { throw ProgramFailure(description: outcome.error) }
            return outcome.line
        }
        #expect(try digest("--isolation", "chroot") == digest("--isolation", "namespaces"))
    }

    /// Changes that the times of files show, and one that they hide.
    static let hidden = """
        FROM busybox
        RUN cp -p /base/one /t && echo 7 >/base/one && touch -r /t /base/one && rm /t
        RUN chmod 600 /base/two && rm -r /tmp && ln /base/one /again && chown -R 0:0 /bin
        """

    @Test("Changes are found by content too")
    func content() throws {
        let directory = try TestDirectory.withBusybox()
        let digest = try directory.build(Self.hidden)
        let words = ["build", "--no-cache", "--progress", "quiet", "--isolation", "chroot", "--snapshot", "content"]
        #expect(try directory.start(words + ["context"]).wait().line == digest)
    }

    /// Debian's own tools, extended attributes, capabilities of files, and shared memory between processes.
    static let distributions = """
        FROM debian:bookworm-slim
        RUN useradd --create-home web && install -d -o www-data -g mail -m 2750 /var/cache/web && passwd -d web
        RUN touch /var/mail/web && chown -R web: /var/cache/web && rm -r /usr/share/doc && dpkg --configure -a
        FROM python:3-slim
        RUN python3 <<'EOT'
        import os, struct
        open("/capped", "w").close()
        os.setxattr("/capped", "security.capability", struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0))
        os.setxattr("/etc/passwd", "user.note", b"n")
        EOT
        RUN mkdir /app && echo x=1 >/app/mod.py && python3 -m compileall -q /app
        RUN python3 -c 'import multiprocessing as m; print(m.Pool(2).map(abs, [-1, m.Lock() and -2]))' >/said
        COPY --from=0 /etc/shadow /shadow
        """

    @Test("Debian's and Python's tools leave the same layers")
    func distributions() throws {
        let directory = try TestDirectory()
        for name in ["debian:bookworm-slim", "python:3-slim"] {
            try directory.succeed("copy", "oci:\(Bases.path):docker.io/library/\(name)", name)
        }
        let digest = try directory.build(Self.distributions)
        #expect(try directory.build(Self.distributions, "--no-cache", "--isolation", "chroot") == digest)
    }

    /// Writes to places of the sandbox, which must not be in the layer.
    static let writing = """
        FROM busybox
        RUN echo 1 >/etc/hosts; rm -f /etc/resolv.conf; echo 2 >/dev/x; echo 3 >/proc/x; mkdir /sys/y; echo kept >/etc/kept
        """

    @Test("Files in /dev, /proc and /sys, /etc/hosts and /etc/resolv.conf are not in the layer")
    func traces() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write("context/Dockerfile", Self.writing)
        try directory.succeed("build", "--isolation", "chroot", "--progress", "quiet", "-o", "out", "context")
        #expect(try Program.shell("ls -A out/etc | tr '\\n' ' '", in: directory.path) == "group kept passwd ")
        #expect(try Program.shell("ls -A out | grep -E 'dev|proc|sys' || true", in: directory.path) == "")
    }

    @Test("Output through /dev/stdout, /dev/stderr and /dev/fd is captured")
    func streams() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write(
            "context/Dockerfile",
            "FROM busybox\nUSER app\nRUN echo one >/dev/stdout; echo two >/dev/stderr; echo three >>/dev/fd/2; cat </dev/null\n"
        )
        let outcome = try directory.thaw("build", "--isolation", "chroot", "--progress", "plain", "context")
        #expect(outcome.status == 0, "\(outcome.error)")
        for word in ["one", "two", "three"] { #expect(outcome.error.contains("[0:3] \(word)\n"), "\(outcome.error)") }
        #expect(outcome.error.contains("note: RUN is isolated by chroot alone"), "\(outcome.error)")
    }

    /// Steps with processes that try to outlive them.
    static let fugitives = """
        FROM busybox
        RUN (setsid sh -c 'exec sleep 7321' &) ; (trap '' TERM HUP; sleep 7321 & sleep 7321) & sleep 0.1
        USER app
        RUN (setsid sh -c 'setsid sleep 7321 & sleep 7321' &) ; sleep 0.1
        RUN (sleep 7321 & kill -STOP $!) ; sleep 0.1
        """

    /// Returns the processes that sleep for `seconds`, except those that exit within two seconds.
    private func survivors(_ seconds: Int) throws -> String {
        try Program.shell(
            """
            for n in $(seq 20); do pgrep -f '^sleep \(seconds)$' >/dev/null || exit 0; sleep 0.1; done
            pgrep -af '^sleep \(seconds)$'
            """)
    }

    @Test("No process outlives its step")
    func leftovers() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write("context/Dockerfile", Self.fugitives)
        try directory.succeed("build", "--isolation", "chroot", "--progress", "quiet", "context")
        #expect(try survivors(7321) == "")
    }

    @Test("No process outlives thaw after any signal", arguments: [SIGKILL, SIGTERM, SIGINT, SIGHUP])
    func killed(signal: Int32) throws {
        let directory = try TestDirectory.withBusybox()
        let seconds = 7400 + Int(signal)
        try directory.write(
            "context/Dockerfile",
            "FROM busybox\nRUN (setsid sh -c 'sleep \(seconds) & sleep \(seconds)' &) ; sleep \(seconds)\n")
        let program = try directory.start(["build", "--isolation", "chroot", "--progress", "quiet", "context"])
        try Program.shell(
            "for n in $(seq 600); do [ \"$(pgrep -fc '^sleep \(seconds)$')\" = 3 ] && exit 0; sleep 0.1; done; exit 1")
        program.signal(signal)
        _ = program.wait()
        #expect(try survivors(seconds) == "")
        // The next build removes its files, also the root file system.
        try directory.write("context/Dockerfile", "FROM busybox\nRUN true\n")
        try directory.succeed("build", "--isolation", "chroot", "--progress", "quiet", "context")
        #expect(try Program.shell("ls store/thaw/layers | grep tmp || true", in: directory.path) == "")
    }

    /// A step that needs namespaces, the options that allow it, and its name in the error.
    static let refusals: [(String, [String], String)] = [
        ("RUN --mount=type=tmpfs,target=/t true", [], "RUN --mount=type=tmpfs"),
        ("RUN --network=none true", [], "RUN --network=none"),
        ("RUN --security=insecure true", ["--allow", "security.insecure"], "RUN --security=insecure"),
        ("RUN --mount=type=cache,target=/c,ro true", [], "RUN --mount=type=cache,ro"),
        ("RUN --mount=type=cache,id=x,target=/c --mount=type=cache,id=x,target=/d true", [], "in two places"),
    ]

    @Test("Features that need namespaces are refused by name", arguments: refusals)
    func refused(step: String, options: [String], name: String) throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write("context/Dockerfile", "FROM busybox\n\(step)\n")
        let outcome = try directory.start(["build", "--isolation", "chroot"] + options + ["context"]).wait()
        #expect(outcome.status == 3, "\(outcome.error)")
        #expect(outcome.stderrLines.first?.contains(name) == true, "\(outcome.error)")
        #expect(outcome.stderrLines.first?.hasSuffix("needs namespaces, but this build runs with chroot alone") == true)
    }

    @Test("A secret is in no layer and in no file of the store, and a failed step can be debugged")
    func failed() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write("key", "s3cret-w0rd")
        try directory.write(
            "context/Dockerfile",
            "FROM busybox\nRUN --mount=type=secret,id=k touch /marker; cat /run/secrets/k >/dev/null; false\n")
        let outcome = try directory.thaw("build", "--isolation", "chroot", "--secret", "id=k,src=key", "context")
        #expect(outcome.status == 1, "\(outcome.error)")
        #expect(try Program.shell("grep -rl s3cret-w0rd store || true", in: directory.path) == "")
        let look = try directory.thaw("debug", "--", "sh", "-c", "ls -d /marker; cat /run/secrets/k")
        #expect(look.output == "/marker\ns3cret-w0rd", "\(look.error)")
        #expect(try Program.shell("grep -rl s3cret-w0rd store || true", in: directory.path) == "")
    }

    @Test("A limit of the machine that is lower than a step's holds", arguments: ["namespaces", "chroot"])
    func limits(isolation: String) throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write("context/Dockerfile", "FROM busybox\nUSER app\nRUN ulimit -Hn && ulimit -Hn >/tmp/n\n")
        let script = """
            ulimit -n 256; ulimit -u 512
            exec setpriv --bounding-set -sys_resource --inh-caps -sys_resource "$0" --store '\(directory.store)' build \
                --isolation \(isolation) --ulimit nofile=1000:2000 --ulimit nproc=4000 -o out context
            """
        let outcome = try Program.run(["bash", "-c", script, Binary.path], in: directory.path)
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(try directory.read("out/tmp/n") == "256")
    }
}

import Glibc
import Harness
import Testing

/// `thaw` as a user without privileges, compared with builds of root.
@Suite(.enabled(if: UnprivilegedUser.unavailableReason == nil, "\(UnprivilegedUser.unavailableReason ?? "")"))
struct RootlessTests {
    /// Steps that differ in a user namespace: owners, other users, files that are copied up, replaced directories, a
    /// network of the step's own.
    static let steps = """
        RUN id >/id && echo 3 >>/base/one && rm /base/two
        RUN chown app:web /base && touch /owned && chown 33:33 /owned && chmod 4750 /owned
        RUN rm -rf /base && mkdir /base && echo new >/base/new && ln /base/new /linked && ln -s /base /link
        COPY --chown=7:9 Dockerfile /copied
        RUN chmod 600 /copied && mkdir -m 2775 /shared && chown 0:101 /shared && echo 1 >/shared/file
        RUN --mount=type=cache,target=/c,uid=100 --mount=type=tmpfs,target=/t --mount=type=bind,target=/b \\
            cat /b/Dockerfile /etc/hosts >/from && touch /c/x /t/x && stat -c %u /c >/cache
        USER app
        WORKDIR /srv/app
        RUN id >me && echo $HOME >/tmp/home
        USER 0
        RUN --network=none tail -n +3 /proc/net/dev | cut -d: -f1 >/links; ls /dev /sys/fs/cgroup >/names; mkfifo /fifo
        """

    /// A base with a capability, and with files that a namespace cannot create: devices, foreign owners, `trusted.*`.
    static let odd = Result {
        let directory = try TestDirectory.withBusybox()
        try Program.shell(
            """
            mkdir -p odd/inner && mknod odd/null c 1 3 && mknod odd/disk b 7 0 && echo 1 >odd/file && echo 2 >odd/capped
            chown 33:42 odd/file && ln -s file odd/inner/link && chown -h 70000:80000 odd/inner odd/inner/link
            python3 -c 'if True:
                import os, struct
                os.setxattr("odd/capped", "security.capability", struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0))
                os.setxattr("odd/file", "trusted.secret", b"s"); os.setxattr("odd/file", "user.note", b"n")'
            mkdir context
            tar --xattrs '--xattrs-include=*' --numeric-owner --mtime @1600000000 -cf context/odd.tar odd
            """, in: directory.path)
        try directory.build("FROM busybox\nADD odd.tar /\n")
        try directory.succeed("copy", "app", "oci:\(directory.path)/layout:odd")
        return directory
    }

    /// Builds the same context as root and as a user with the same base.
    private func digests(
        _ dockerfile: String, _ means: UnprivilegedUser.Privileges, base: String = "busybox"
    ) throws -> (root: String, user: String) {
        let odd = try Self.odd.get()
        let directory = try TestDirectory()
        try directory.succeed("copy", "oci:\(odd.path)/layout:odd", base)
        let root = try directory.build(dockerfile)
        let user = try UnprivilegedUser(means, in: directory)
        try user.succeed("copy", "oci:\(odd.path)/layout:odd", base)
        return (root, try user.succeed("build", "--progress", "quiet", "context"))
    }

    @Test("A user builds the same image as root")
    func sameDigest() throws {
        let built = try digests("FROM busybox\n\(Self.steps)\n", .ranges)
        #expect(built.root == built.user)
    }

    /// Steps on the odd base that change only root's own files, and files that keep their owner.
    static let copiedUp = """
        FROM busybox
        RUN chmod 600 /odd/null /odd/disk && chmod 700 /odd/capped && chmod 640 /odd/file
        RUN touch /odd/inner/new && echo 2 >>/odd/file
        RUN rm /odd/disk /odd/inner/link && mv /base /moved && echo 3 >/three
        """

    @Test(
        "Files that a user namespace cannot create are in the layer, with and without other users",
        arguments: UnprivilegedUser.Privileges.allCases)
    func standIns(means: UnprivilegedUser.Privileges) throws {
        let built = try digests(Self.copiedUp, means)
        #expect(built.root == built.user)
    }

    /// Steps of packages: accounts, files of other users, a directory that passes on its group.
    static let packages = """
        FROM debian:bookworm-slim
        RUN useradd --create-home web && install -d -o www-data -g mail -m 2750 /var/cache/web && passwd -d web
        RUN touch /var/mail/web /var/cache/web/file && chown -R web: /var/cache/web && rm -r /usr/share/doc
        """

    @Test("Debian's own tools leave the same layers")
    func packages() throws {
        let directory = try TestDirectory()
        let user = try UnprivilegedUser(in: directory)
        let name = "docker.io/library/debian:bookworm-slim"
        try directory.succeed("copy", "oci:\(Bases.path):\(name)", "debian:bookworm-slim")
        try user.succeed("copy", "oci:shared:\(name)", "debian:bookworm-slim", shared: Bases.path)
        let digest = try directory.build(Self.packages)
        #expect(try user.succeed("build", "--progress", "quiet", "context") == digest)
    }

    @Test("A user starts an image in a container, as any user of the image", arguments: ["root", "app"])
    func boot(account: String) throws {
        let directory = try TestDirectory.withBusybox()
        let user = try UnprivilegedUser(in: directory)
        try user.succeed("copy", "oci:shared:docker.io/library/busybox:latest", "busybox", shared: directory.store)
        try directory.write(
            "context/Dockerfile",
            "FROM busybox\nUSER \(account)\nCMD [\"httpd\", \"-f\", \"-p\", \"8080\", \"-h\", \"/base\"]\n")
        try user.succeed("build", "-t", "app", "--progress", "quiet", "context")
        let boot = try Document(
            parsing: user.succeed(
                "boot", "--engine", "container", "--probe", "http:8080/one", "--format", "json", "app"))
        #expect(boot["response"]["status"] == .number(200))
        #expect(try user.processes() == [])
    }

    @Test(
        "Without other users an image that runs as root starts, and one that runs as another user is refused",
        arguments: [("root", 0), ("app", 3)] as [(String, Int32)])
    func singleBoot(account: String, status: Int32) throws {
        let directory = try TestDirectory.withBusybox()
        let user = try UnprivilegedUser(.nothing, in: directory)
        let command = "CMD [\"httpd\", \"-f\", \"-p\", \"8080\", \"-h\", \"/base\"]"
        try directory.build("FROM busybox\nUSER \(account)\n\(command)\n")
        try user.succeed("copy", "oci:shared:docker.io/library/app:latest", "app", shared: directory.store)
        let outcome = try user.thaw("boot", "--engine", "container", "--probe", "http:8080/one", "app")
        #expect(outcome.status == status, "\(outcome.error)")
        #expect(status == 0 || outcome.stderrLines.last?.contains("usermod --add-subuids") == true, "\(outcome.error)")
    }

    @Test("A user verifies a slim image in a container, with a note that files are not observed there")
    func proof() throws {
        let directory = try TestDirectory.withBusybox()
        let user = try UnprivilegedUser(in: directory)
        try directory.build("FROM busybox\nRUN mkdir -p /usr/share/doc/a && echo a >/usr/share/doc/a/b\n")
        try user.succeed("copy", "oci:shared:docker.io/library/app:latest", "app", shared: directory.store)
        let outcome = try user.thaw("slim", "--engine", "container", "--exec", "cat /etc/passwd", "-t", "slim", "app")
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(
            outcome.error.contains(
                "the files that the program opens are not observed: in containers this needs root\n"))
        #expect(outcome.output.contains("  same  exec:cat /etc/passwd: exit status 0, "))
    }

    /// A step that needs another user, the exit status, and a part of the message.
    static let others: [(String, Int32, String)] = [
        ("USER app\nRUN true", 3, "cannot run as user 100"), ("RUN chown 33 /base", 1, "exited with status 1"),
    ]

    @Test(
        "Without other users the message has the reason and the remedy", arguments: others,
        [UnprivilegedUser.Privileges.nothing, .noTool])
    func single(step: (String, Int32, String), means: UnprivilegedUser.Privileges) throws {
        let directory = try TestDirectory.withBusybox()
        let user = try UnprivilegedUser(means, in: directory)
        try user.succeed("copy", "oci:shared:docker.io/library/busybox:latest", "busybox", shared: directory.store)
        try directory.write("context/Dockerfile", "FROM busybox\n\(step.0)\n")
        let outcome = try user.thaw("build", "--progress", "quiet", "context")
        #expect(outcome.status == step.1, "\(outcome.error)")
        #expect(outcome.error.contains(step.2), "\(outcome.error)")
        let remedy = means == .noTool ? "apt-get install uidmap" : "usermod --add-subuids"
        #expect(outcome.stderrLines.last?.contains(remedy) == true, "\(outcome.error)")
    }

    @Test("With user namespaces disabled RUN fails with the reason, and other commands still work")
    func refused() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write("context/Dockerfile", "FROM busybox\nCOPY Dockerfile /\nRUN true\n")
        func thaw(_ words: String...) throws -> ProgramResult {
            let script = """
                echo 0 >/proc/sys/user/max_user_namespaces
                exec setpriv --bounding-set -sys_admin,-sys_chroot --inh-caps -sys_admin,-sys_chroot "$@"
                """
            let isolated = ["unshare", "--user", "--map-root-user", "sh", "-ec", script, "sh"]
            return try Program.run(isolated + [Binary.path, "--store", directory.store] + words, in: directory.path)
        }
        let outcome = try thaw("build", "--progress", "quiet", "context")
        #expect(outcome.status == 3, "\(outcome.error)")
        #expect(outcome.stderrLines.first?.hasPrefix("thaw: Dockerfile:3: ") == true, "\(outcome.error)")
        #expect(outcome.stderrLines.first?.contains("user.max_user_namespaces is 0") == true, "\(outcome.error)")
        #expect(outcome.stderrLines.last?.contains("run thaw as root") == true, "\(outcome.error)")
        #expect(try thaw("doctor").output.contains("user namespaces are disabled"))
        #expect(try thaw("history", "busybox").status == 0)
        try directory.write("context/Dockerfile", "FROM busybox\nCOPY Dockerfile /\n")
        #expect(try thaw("build", "--progress", "quiet", "context").status == 0)
    }

    @Test("Root without CAP_SYS_ADMIN builds the same image in a namespace of its own")
    func powerlessRoot() throws {
        let directory = try TestDirectory.withBusybox()
        let digest = try directory.build("FROM busybox\n\(Self.steps)\n")
        let powerless = ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"]
        let words = [Binary.path, "--store", directory.store, "build", "--no-cache", "--progress", "quiet", "context"]
        let outcome = try Program.run(powerless + words, in: directory.path)
        #expect(outcome.line == digest, "\(outcome.error)")
    }

    @Test("A build killed at any moment leaves no process and no mount, and gives the same image afterwards")
    func killed() throws {
        let directory = try TestDirectory.withBusybox()
        let user = try UnprivilegedUser(in: directory)
        try user.succeed("copy", "oci:shared:docker.io/library/busybox:latest", "busybox", shared: directory.store)
        let digest = try directory.build("FROM busybox\n\(Self.steps)\nRUN (sleep 99 &); usleep 50000\n")
        // The delays are dense while the helper maps numbers, then spread over the whole build.
        for delay in Array(stride(from: 10, to: 60, by: 4)) + Array(stride(from: 60, to: 500, by: 60)) {
            let program = try user.start(["build", "--no-cache", "--progress", "quiet", "context"])
            usleep(UInt32(delay * 1000))
            program.kill()
            _ = program.wait()
            // The kernel kills the container's processes a moment after thaw's.
            let isGone = ProcessView.wait(seconds: 5) { (try? user.processes()) == [] }
            #expect(isGone, "after \(delay) ms")
        }
        #expect(try Program.shell("cat /proc/self/mountinfo").contains(directory.path) == false)
        #expect(try user.succeed("build", "--no-cache", "--progress", "quiet", "context") == digest)
        try user.succeed("prune", "--all")
        #expect(try Program.shell("ls '\(user.store)/thaw/layers'") == "")
    }
}

import Harness
import Testing

/// `thaw` inside containers with Docker's defaults.
@Suite(.enabled(if: UnprivilegedContainer.unavailableReason == nil, "\(UnprivilegedContainer.unavailableReason ?? "")"))
struct UnprivilegedContainerTests {
    static let dockerfile = """
        FROM busybox
        RUN id -u >/id && echo 3 >>/base/one && rm /base/two && echo said >/dev/stderr
        USER app
        RUN --mount=type=cache,target=/tmp/c,uid=100 touch /tmp/x /tmp/c/y
        USER 0
        RUN rm -rf /base && mkdir /base && ln /id /base/linked && chown 33:33 /base/linked && ls /dev/null >/null

        """
    private static let build = "$THAW build --no-cache --progress quiet context"

    private func directory() throws -> (TestDirectory, digest: String) {
        let directory = try TestDirectory.withBusybox()
        return (directory, try directory.build(Self.dockerfile))
    }

    @Test("Root in a container builds the same image as root outside, and doctor names the isolation")
    func root() throws {
        let (directory, digest) = try directory()
        let container = try UnprivilegedContainer(directory)
        let outcome = try container.run(Self.build)
        #expect(outcome.line == digest, "\(outcome.error)")
        let doctor = try container.run("$THAW doctor")
        #expect(doctor.output.contains("yes  isolation of RUN: chroot: "), "\(doctor.output)\(doctor.error)")
        #expect(doctor.output.contains("no   isolation by namespaces: "), "\(doctor.output)")
    }

    @Test("A container with a read-only root and no shared memory builds in a store on a volume")
    func readOnly() throws {
        let (directory, digest) = try directory()
        let options = ["--read-only", "--read-only-tmpfs=false", "--env", "TMPDIR=\(directory.path)"]
        let outcome = try UnprivilegedContainer(directory).run("[ ! -w / ] && \(Self.build)", options: options)
        #expect(outcome.line == digest, "\(outcome.error)")
    }

    @Test("A user in a container with Docker's system calls gets an error that names the missing feature")
    func user() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write("context/Dockerfile", "FROM busybox\nRUN true\n")
        try Program.shell("chmod -R a+rwX .", in: directory.path)
        let outcome = try UnprivilegedContainer(directory).run("$THAW build context", options: ["--user", "1000:1000"])
        #expect(outcome.status == 3, "\(outcome.error)")
        let obstacle = "user namespaces are refused here: make one: Operation not permitted"
        let lines = [
            "thaw: Dockerfile:2: cannot isolate a command here: namespaces: \(obstacle); "
                + "chroot: only root may change its root directory, and this is user 1000",
            "      run thaw as root; in a Docker container, start that with --security-opt seccomp=unconfined",
        ]
        #expect(outcome.stderrLines == lines, "\(outcome.error)")
    }

    @Test("A user in a container with podman's system calls builds in a namespace of one user")
    func podmanUser() throws {
        let directory = try TestDirectory.withBusybox()
        let digest = try directory.build("FROM busybox\nRUN echo 3 >>/base/one && rm /base/two\n")
        try Program.shell("chmod -R a+rwX . && chown -R 1000:1000 store", in: directory.path)
        let outcome = try UnprivilegedContainer(directory).run(
            Self.build, options: ["--user", "1000:1000"], profile: nil)
        #expect(outcome.line == digest, "\(outcome.error)")
    }

    @Test("No process of a step is left in the container")
    func leftovers() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write("context/Dockerfile", "FROM busybox\nRUN (setsid sleep 99 &); sleep 0.1\n")
        let outcome = try UnprivilegedContainer(directory).run(
            "$THAW build --progress quiet context && pgrep -a sleep || echo none")
        #expect(outcome.output.hasSuffix("none\n"), "\(outcome.output)\(outcome.error)")
    }

    @Test("thaw inside a RUN builds the same image in chroot")
    func inside() throws {
        let directory = try TestDirectory.withBusybox()
        let digest = try directory.build("FROM busybox\nRUN echo 3 >>/base/one && rm /base/two\n")
        try Program.shell(
            """
            mkdir -p outer/host && cp -r context outer/host/inner && cp '\(Binary.path)' outer/host/thaw
            ldd '\(Binary.path)' | awk '$3 ~ "^/" { print $3 } $1 ~ "^/" { print $1 }' | xargs -I{} cp -L {} outer/host/
            """, in: directory.path)
        try directory.succeed("copy", "busybox", "oci:\(directory.path)/outer/host/layout:busybox")
        try directory.write(
            "outer/Dockerfile",
            """
            FROM busybox
            RUN --mount=type=bind,target=/outer cd /outer/host && \\
                thaw() { ./ld-linux-x86-64.so.2 --library-path . ./thaw --store /tmp/store "$@"; } && \\
                thaw copy oci:layout:busybox busybox && thaw doctor && thaw build --progress quiet inner && rm -r /tmp/store

            """)
        let outcome = try directory.thaw("build", "--progress", "plain", "outer")
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(outcome.error.contains("yes  isolation of RUN: chroot: "), "\(outcome.error)")
        #expect(outcome.error.contains(digest), "\(outcome.error)")
    }

    @Test("A namespace with one user is detected, and builds steps that need no other")
    func single() throws {
        let directory = try TestDirectory.withBusybox()
        let digest = try directory.build("FROM busybox\nRUN echo 3 >>/base/one && rm /base/two\n")
        func thaw(_ words: String...) throws -> ProgramResult {
            try Program.run(["unshare", "-Urm", Binary.path, "--store", directory.store] + words, in: directory.path)
        }
        let doctor = try thaw("doctor")
        #expect(!doctor.output.contains("this is root"), "\(doctor.output)")
        #expect(doctor.output.contains("yes  isolation of RUN: userns: "), "\(doctor.output)")
        #expect(try thaw("build", "--no-cache", "--progress", "quiet", "context").line == digest)
        try directory.write("context/Dockerfile", "FROM busybox\nRUN chown 5 /base/one\n")
        let outcome = try thaw("build", "context")
        #expect(outcome.status == 1)
        #expect(outcome.stderrLines.last?.contains("unshare --map-root-user --map-auto") == true, "\(outcome.error)")
    }

    @Test("With --isolation userns, root builds steps that need no other user")
    func asked() throws {
        let directory = try TestDirectory.withBusybox()
        let digest = try directory.build("FROM busybox\nRUN echo 3 >>/base/one && rm /base/two\n")
        let words = ["build", "--no-cache", "--progress", "quiet", "--isolation", "userns", "context"]
        let outcome = try directory.start(words).wait()
        #expect(outcome.line == digest, "\(outcome.error)")
    }
}

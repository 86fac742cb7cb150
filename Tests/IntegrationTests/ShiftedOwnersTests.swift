import Glibc
import Harness
import Testing

/// Containers of root on a file system without idmapped mounts: layers are unpacked with shifted owners.
@Suite(.enabled(if: geteuid() == 0, "only root has a private range to give"))
struct ShiftedOwnersTests {
    private static let note = "the image's layers are unpacked with shifted owners for RUN"

    /// Makes a store with the base `odd` that refuses idmapped mounts.
    private func store(_ directory: TestDirectory) throws -> IdmappedStore {
        let store = try IdmappedStore(in: directory)
        let odd = try RootlessTests.odd.get()
        _ = try store.thaw("copy", "oci:\(odd.path)/layout:odd", "busybox").succeeded()
        return store
    }

    /// Writes a Dockerfile whose time is always the same: it is copied into the image.
    private static func write(_ dockerfile: String, in directory: TestDirectory) throws {
        try directory.write("context/Dockerfile", dockerfile)
        try Program.shell("touch -d @1600000000 context/Dockerfile", in: directory.path)
    }

    @Test(
        "A build has the same digest with idmapped mounts, shifted owners and the host's users",
        arguments: ["FROM busybox\n\(RootlessTests.steps)\n", RootlessTests.copiedUp])
    func digests(dockerfile: String) throws {
        let odd = try RootlessTests.odd.get()
        // Only commands of the host's users see the hierarchies of control groups.
        let dockerfile = dockerfile.replacing(" /sys/fs/cgroup", with: "")
        let directory = try TestDirectory()
        try Self.write(dockerfile, in: directory)
        try directory.succeed("copy", "oci:\(odd.path)/layout:odd", "busybox")
        let idmapped = try directory.succeed("build", "--progress", "quiet", "context")
        let host = try directory.succeed("build", "--progress", "quiet", "--no-cache", "--userns", "host", "context")
        #expect(host == idmapped)

        let other = try TestDirectory()
        let shifted = try store(other)
        try Self.write(dockerfile, in: other)
        let outcome = try shifted.thaw("build", "--progress", "plain", "context")
        #expect(try outcome.succeeded() == idmapped)
        #expect(outcome.error.split(separator: "\n").count { $0.hasSuffix(Self.note) } == 1, "\(outcome.error)")

        // The same store has the layers in both forms, and takes each for its own commands.
        let unshifted = try shifted.thaw(
            "build", "--progress", "plain", "--no-cache", "--userns", "host", "context")
        #expect(try unshifted.succeeded() == idmapped)
        #expect(!unshifted.error.contains(Self.note))
        #expect(try shifted.thaw("build", "--progress", "quiet", "--no-cache", "context").succeeded() == idmapped)
    }

    @Test("A command is root of its own range, and sees the true owners, set-uid bits, capabilities and lists")
    func view() throws {
        let directory = try TestDirectory()
        let shifted = try IdmappedStore(in: directory)
        let name = "docker.io/library/python:3-slim"
        _ = try shifted.thaw("copy", "oci:\(Bases.path):\(name)", "python").succeeded()
        try directory.write(
            "context/Dockerfile",
            """
            FROM python
            RUN cp /usr/bin/id /id && chown 1000:2000 /id && chmod 6755 /id && cp /usr/bin/chown /capped && touch /list
            RUN <<EOF python3
            import os, struct
            os.setxattr('/capped', 'security.capability', struct.pack('<5I', 0x02000001, 1, 0, 0, 0))
            entries = (1, 7, -1), (2, 4, 1234), (4, 5, -1), (8, 4, 77), (16, 5, -1), (32, 5, -1)
            value = b''.join(struct.pack('<HHi', *entry) for entry in entries)
            os.setxattr('/list', 'system.posix_acl_access', struct.pack('<I', 2) + value)
            EOF
            RUN --security=insecure stat -c insecure=%u:%g /etc/passwd /id; cut -c 1-40 /proc/self/uid_map
            RUN cut -c 1-40 /proc/self/uid_map; stat -c owner=%u:%g /etc/passwd /id
            RUN <<EOF python3
            import os
            for name, attribute in ('/capped', 'security.capability'), ('/list', 'system.posix_acl_access'):
                print(os.getxattr(name, attribute).hex())
            EOF
            RUN --mount=type=cache,target=/c,uid=1234 --mount=type=bind,target=/b stat -c mounts=%u:%g /c /b /b/Dockerfile
            USER 5:6
            RUN touch /tmp/mine && /capped 7 /tmp/mine && stat -c capped=%u /tmp/mine && echo id=$(/id -u):$(/id -g)
            """)
        let options = ["--allow", "security.insecure", "--progress"]
        let outcome = try shifted.thaw(["build"] + options + ["plain", "context"])
        let digest = try outcome.succeeded()
        let capability = "010000020100000000000000000000000000" + "0000"
        for line in [
            "insecure=0:0", "insecure=1000:2000", "0          0 4294967295", "0 2147483648 1073741824", "owner=0:0",
            "owner=1000:2000", "mounts=1234:0", "mounts=0:0", "capped=7", "id=1000:2000", capability,
            "02000400d2040000", "080004004d000000",
        ] { #expect(outcome.error.contains(line), "\(line) is not in \(outcome.error)") }

        let plain = try TestDirectory()
        try plain.succeed("copy", "oci:\(Bases.path):\(name)", "python")
        try plain.write("context/Dockerfile", directory.read("context/Dockerfile"))
        #expect(try plain.start(["build"] + options + ["quiet", "context"]).wait().succeeded() == digest)
    }

    @Test("A failed step is debugged, a cache exported and an image started with the same owners")
    func other() throws {
        let directory = try TestDirectory()
        let shifted = try store(directory)
        try directory.write(
            "context/Dockerfile",
            """
            FROM busybox AS web
            USER app
            CMD ["httpd", "-f", "-p", "8080", "-h", "/base"]
            FROM busybox
            RUN --mount=type=cache,target=/c touch /c/x && chown 5:6 /c/x && chown app /base && false
            """)
        #expect(try shifted.thaw("build", "--progress", "quiet", "context").status == 1)
        let look = try shifted.thaw("debug", "--", "stat", "-c", "%u:%g", "/base", "/c/x", "/bin")
        #expect(look.output == "100:0\n5:6\n0:0\n", "\(look)")
        _ = try shifted.thaw("cache", "export", "/c", "exported").succeeded()
        #expect(try Inspection("exported", in: directory).listings().joined().contains { $0.contains("5/6") })
        _ = try shifted.thaw("cache", "import", "exported", "/c").succeeded()
        try directory.write(
            "context/Dockerfile", "FROM busybox\nRUN --mount=type=cache,target=/c stat -c cache=%u:%g /c/x\n")
        let kept = try shifted.thaw("build", "--progress", "plain", "context")
        #expect(kept.error.contains("cache=5:6"), "\(kept.error)")
        try directory.write(
            "context/Dockerfile",
            "FROM busybox\nUSER app\nCMD [\"httpd\", \"-f\", \"-p\", \"8080\", \"-h\", \"/base\"]\n")
        _ = try shifted.thaw("build", "--progress", "quiet", "-t", "web", "context").succeeded()
        let boot = try Document(
            parsing: shifted.thaw(
                "boot", "--engine", "container", "--probe", "http:8080/one", "--format", "json", "web"
            ).succeeded())
        #expect(boot["response"]["status"] == .number(200))
    }
}

extension ProgramResult {
    /// Returns the output without its last newline, or throws if the program failed.
    fileprivate func succeeded() throws -> String {
        guard status == 0 else { throw ProgramFailure(description: "exited with \(status): \(error)") }
        return line
    }
}

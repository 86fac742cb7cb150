import Glibc
import Harness
import Testing

/// `thaw` in an unprivileged container, where it can't mount or make namespaces.
///
/// podman and runc start it with Docker's default capabilities and seccomp profile.
@Suite(
    "thaw in an unprivileged container", .serialized,
    .enabled(if: Podman.unavailableReason == nil, "\(Podman.unavailableReason ?? "")"))
struct UnprivilegedTests {
    static let dockerfile = """
        FROM scratch
        COPY tree /
        RUN id -u >/out/id && mkdir /made && echo 1 >/made/one && chmod 750 /made && rm /bin/touch
        WORKDIR /made
        RUN mv one two && ls -l /bin/sh >/dev/null

        """

    @Test(
        "unpriv-container: a Dockerfile with RUN has the same digest as outside", arguments: [UInt32(0), 1000])
    func build(account: UInt32) throws {
        let directory = try TestDirectory()
        try AttackProgram.fill("context/tree", in: directory)
        let expected = try directory.build(Self.dockerfile)
        let outcome = try Self.start(account, ["build", "--progress", "quiet", "/context"], in: directory).wait()
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(outcome.line == expected)
    }

    @Test("unpriv-container: doctor names the mode", arguments: [UInt32(0), 1000])
    func doctor(account: UInt32) throws {
        let directory = try TestDirectory()
        try AttackProgram.fill("context/tree", in: directory)
        let outcome = try Self.start(account, ["doctor"], in: directory).wait()
        #expect(outcome.output.contains("yes  isolation of RUN: "), "\(outcome.output)\(outcome.error)")
    }

    @Test("In chroot mode a RUN has at most the permissions of the container around it")
    func probe() throws {
        let account: UInt32 = 0
        let directory = try TestDirectory()
        try AttackProgram.fill("context/tree", in: directory)
        try directory.write(
            "context/Dockerfile",
            Surface.base(0) + "RUN [\"/bin/probe\", \"/out/results\"]\nFROM scratch\nCOPY --from=0 /out /\n")
        let words = ["build", "--isolation", "chroot", "--progress", "quiet"]
        let outcome = try Self.start(
            account, words + ["--output", "type=tar,dest=-", "/context"], in: directory,
            environment: ["THAW_ATTACK_SECRET": "1"]
        ).wait()
        #expect(outcome.status == 0, "\(outcome.error)")
        guard outcome.status == 0 else { return }
        // The archive has one file; the parser skips the lines of its header.
        let results = try AttackResults(outcome.output.replacing("\0", with: "\n"))
        let around = try Self.around(account, in: directory)
        let more = results.results.filter { $0.value.isAllowed && around.results[$0.key]?.isAllowed == false }
            .filter { !Self.inherent.contains($0.key) }
        #expect(more.isEmpty, "\(more)")
        // A fact with an empty value has no entry.
        #expect((results.fact("open-descriptors") ?? "").isEmpty)
        #expect(results.fact("environment")?.contains("THAW_ATTACK_SECRET") == false)
    }

    /// Attempts that a chroot can't refuse.
    ///
    /// It doesn't confine a process that may call chroot; the container around it does. /sys is the step's own empty
    /// directory.
    private static let inherent: Set<String> = ["chroot-escape", "chmod-sys"]

    private static func around(_ account: UInt32, in directory: TestDirectory) throws -> AttackResults {
        var podman = try Podman(in: directory)
        podman.account = account
        return try podman.probe()
    }

    /// Starts `thaw` in the container, with its libraries from this machine.
    private static func start(
        _ account: UInt32, _ words: [String], in directory: TestDirectory, environment: [String: String] = [:]
    ) throws -> Program {
        var podman = try Podman(in: directory)
        podman.account = account
        try Program.shell(
            "ln -sfn usr/lib peer/lib && ln -sfn usr/lib64 peer/lib64 && mkdir -p -m 1777 peer/tmp", in: directory.path)
        let binary = try Program.shell("dirname '\(Binary.path)'")
        var volumes = ["/usr:/usr:ro", "\(binary):/thaw:ro", "\(directory.path)/context:/context:ro"]
        volumes += try libraries().map { "\($0):\($0):ro" }
        podman.options = volumes.flatMap { ["--volume", $0] }
        podman.options += environment.flatMap { ["--env", "\($0.key)=\($0.value)"] } + ["--env", "HOME=/out"]
        return try podman.start(["/thaw/thaw", "--store", "/out/store"] + words)
    }

    /// Returns directories outside of the system's with libraries of the program.
    private static func libraries() throws -> [String] {
        try Program.shell(
            """
            ldd '\(Binary.path)' | awk '$2 == "=>" { sub("/[^/]*$", "", $3); print $3 }' | sort -u |
                grep -v -e '^/lib' -e '^/usr' || true
            """
        ).split(separator: "\n").map(String.init)
    }
}

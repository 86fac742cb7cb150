import Harness

/// A container of podman and runc with Docker's capabilities, masked paths and seccomp profile.
///
/// It runs the same probes on this machine as a reference, and is an unprivileged container for `thaw` itself.
struct Podman: Sendable {
    /// The reason for which it can't be used here; nil for none.
    static let unavailableReason: String? = {
        for name in ["podman", "runc"] where !Program.exists(name) { return "\(name) is not installed" }
        do {
            let directory = try TestDirectory()
            _ = try Podman(in: directory).run(["/bin/true"])
            return nil
        } catch {
            return "podman doesn't run containers here: \(error)"
        }
    }()

    private static let capabilities = """
        CHOWN,DAC_OVERRIDE,FSETID,FOWNER,MKNOD,NET_RAW,SETGID,SETUID,SETFCAP,SETPCAP,NET_BIND_SERVICE,SYS_CHROOT,KILL,\
        AUDIT_WRITE
        """

    let directory: TestDirectory
    /// The user in the container.
    var account: UInt32 = 0
    /// True if the container has the permissions of the machine's root.
    var isPrivileged = false
    /// Further options, for example volumes.
    var options: [String] = []

    /// A container over a root file system with the attack programs.
    init(in directory: TestDirectory) throws {
        self.directory = directory
        try AttackProgram.fill("peer", in: directory)
    }

    /// Runs a command, which must succeed; returns its output.
    func run(_ words: [String]) throws -> String {
        let outcome = try start(words).wait()
        guard outcome.status == 0 else {
            throw ProgramFailure(description: "podman run \(words) exited with \(outcome.status): \(outcome.error)")
        }
        return outcome.output
    }

    /// Starts a command; podman's own files are in the bench.
    func start(_ words: [String]) throws -> Program {
        let confinement =
            isPrivileged
            ? ["--privileged", "--security-opt", "seccomp=unconfined"]
            : ["--cap-drop", "all", "--cap-add", Self.capabilities]
        // podman's default limits may be higher than those of this process.
        let limits = ["--ulimit", "nofile=256:256", "--ulimit", "nproc=4096:4096"]
        let storage = ["--root", "\(directory.path)/podman", "--runroot", "\(directory.path)/r", "--runtime", "runc"]
        let run = ["run", "--rm", "--network", "none", "--cgroupns", "private", "--user", "\(account)"]
        return try Program(
            ["podman"] + storage + run + limits + confinement + options + ["--rootfs", "\(directory.path)/peer"] + words
        )
    }

    /// Runs the probe here and returns its results.
    func probe() throws -> AttackResults { try AttackResults(run(["/bin/probe", "-"])) }
}

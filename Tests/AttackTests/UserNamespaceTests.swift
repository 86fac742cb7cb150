import Glibc
import Harness
import Testing

/// The user IDs in a container and outside.
@Suite("Attacks by the host's root in a container") struct UserNamespaceTests {
    @Test("userns-root: the root of a RUN is not the host's root", .enabled(if: geteuid() == 0, "not root"))
    func root() throws {
        #expect(try Self.map([]) != "0 0 4294967295")
    }

    @Test("userns-root: with --userns=host it is the host's root", .enabled(if: geteuid() == 0, "not root"))
    func host() throws {
        #expect(try Self.map(["--userns", "host"]) == "0 0 4294967295")
    }

    /// Returns the user ID map of a RUN, with single blanks.
    private static func map(_ options: [String]) throws -> String {
        let directory = try TestDirectory()
        try AttackProgram.fill("context/tree", in: directory)
        try directory.write(
            "context/Dockerfile",
            Surface.base(0) + "RUN cat /proc/self/uid_map >/out/map\nFROM scratch\nCOPY --from=0 /out /\n")
        let output = "\(directory.path)/output"
        let thaw = try Installation(.root, in: directory)
        try thaw.succeed(
            ["build", "--progress", "quiet", "--output", "type=local,dest=\(output)"] + options + ["context"])
        return try Program.shell("set -- $(head -n 1 '\(output)/map'); echo $*")
    }

    /// A caller with only one user.
    static let lonely = ["unshare", "--user", "--map-root-user", "--mount"]

    @Test("one-id: with one user chown works or its error has a remedy, and doctor doesn't mention root")
    func single() throws {
        let directory = try TestDirectory()
        try AttackProgram.fill("context/tree", in: directory)
        try directory.write("context/Dockerfile", Surface.base(0) + "RUN touch /out/x && chown 5 /out/x\n")
        let thaw = Self.lonely + [Binary.path, "--store", directory.store]
        let outcome = try Program.run(thaw + ["build", "--progress", "quiet", "context"], in: directory.path)
        // Success, or one sentence with its remedy.
        let names = outcome.error.contains("only one user") && outcome.error.contains("--map-auto")
        #expect(outcome.status == 0 || names, "\(outcome.error)")
        let doctor = try Program.run(thaw + ["doctor"], in: directory.path)
        #expect(!doctor.output.contains("this is root"), "\(doctor.output)")
    }
}

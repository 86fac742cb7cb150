import Glibc
import Harness
import Testing

/// Every attempt of the attack table, from inside a container.
@Suite("Attacks from inside") struct AttackTableTests {
    @Test("The table has a row for every probe, and each class of attacks")
    func table() throws {
        let names = Set(try Self.host.get().results.keys)
        #expect(names == Set(Attack.table.map(\.input)))
        #expect(Attack.table.count == names.count, "a probe has one row")
        let kinds = Set(Attack.table.map(\.kind))
        #expect(
            kinds == [
                "devices", "entries", "facts", "files", "host", "identity", "kernel", "mounts", "namespaces", "sockets",
            ])
    }

    @Test("A container allows at most what Docker allows, and shows no facts of the host", arguments: Surface.all)
    func surface(surface: Surface) throws {
        let directory = try TestDirectory()
        let results = try surface.probe(HostObjects(in: directory), in: directory)
        let live = Podman.unavailableReason == nil ? try Self.peer(surface.account).get() : nil
        for fault in results.faults(account: surface.account, live: live, host: try Self.host.get()) {
            Issue.record("\(fault)")
        }
    }

    @Test(
        "A privileged container allows more than 90 attempts that the table refuses: the probe works",
        .enabled(if: Podman.unavailableReason == nil, "\(Podman.unavailableReason ?? "")"))
    func control() throws {
        let directory = try TestDirectory()
        var podman = try Podman(in: directory)
        podman.isPrivileged = true
        let granted = try podman.probe().results.filter { $0.value.isAllowed }
        let refused = Attack.table.filter { $0.condition == .refused && granted[$0.input] != nil }
        #expect(refused.count > 90, "\(refused.map(\.input))")
    }

    @Test("The host's objects are found outside of a container")
    func hostObjects() throws {
        let directory = try TestDirectory()
        let objects = try HostObjects(in: directory)
        let outside = try Self.probeHost("\(objects.key) \(objects.port)")
        let missed = outside.results.filter { $0.key.hasPrefix("host-") && $0.key != "host-parent-signal" }
            .filter { !$0.value.isAllowed }
        #expect(missed.isEmpty, "\(missed)")
    }

    /// The facts of this process, which a container must not share.
    private static let host: Result<AttackResults, any Error> = Result { try probeHost("") }

    /// Runs the probe outside of containers as an unprivileged user, without further isolation.
    private static func probeHost(_ words: String) throws -> AttackResults {
        let drop = geteuid() == 0 ? "setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs" : ""
        return try AttackResults(Program.shell("\(drop) '\(AttackProgram.directory.get().path)/probe' - \(words)"))
    }

    private static func peer(_ account: UInt32) -> Result<AttackResults, any Error> {
        account == 0 ? peerOfRoot : peerOfUser
    }
    private static let peerOfRoot = Result { try Podman(in: TestDirectory()).probe() }
    private static let peerOfUser = Result {
        var podman = try Podman(in: TestDirectory())
        podman.account = 1000
        return try podman.probe()
    }
}

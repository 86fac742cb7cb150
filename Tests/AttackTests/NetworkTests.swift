import Harness
import Testing

/// The network of a command on a machine without pasta, which would connect one of its own.
@Suite("Attacks on the host's network") struct NetworkTests {
    @Test("net-unasked: without pasta a RUN reaches nothing of the host's network", arguments: Caller.allCases)
    func unasked(caller: Caller) throws {
        guard caller.unavailableReason == nil else { return }
        let results = try Self.probe(caller, options: [])
        #expect(results.fact("namespace-net") != (try Self.ownNetwork()))
        #expect(results.results["host-loopback"]?.isAllowed == false, "the listener on 127.0.0.1")
        #expect(results.results["host-abstract-socket"]?.isAllowed == false, "the abstract socket")
    }

    @Test("The host's network is available if it was requested and allowed", arguments: Caller.allCases)
    func asked(caller: Caller) throws {
        guard caller.unavailableReason == nil else { return }
        let results = try Self.probe(caller, options: ["--network", "host", "--allow", "network.host"])
        #expect(results.fact("namespace-net") == (try Self.ownNetwork()))
        #expect(results.results["host-loopback"]?.isAllowed == true)
    }

    /// Runs the probe in a RUN without pasta.
    private static func probe(_ caller: Caller, options: [String]) throws -> AttackResults {
        let directory = try TestDirectory()
        let objects = try HostObjects(in: directory)
        // A program that is not installed needs no hiding.
        let thaw = try Installation(caller, in: directory, hidden: ["pasta"].filter(Program.exists))
        try AttackProgram.fill("context/tree", in: directory)
        let words = Surface.list(["/bin/probe", "/out/results", objects.key, "\(objects.port)"])
        try directory.write(
            "context/Dockerfile", Surface.base(0) + "RUN \(words)\nFROM scratch\nCOPY --from=0 /out /\n")
        let output = thaw.scratch("output")
        try thaw.succeed(
            ["build", "--progress", "quiet", "--output", "type=local,dest=\(output)"] + options + ["context"])
        return try AttackResults(Program.shell("cat '\(output)/results'"))
    }

    private static func ownNetwork() throws -> String { try Program.shell("readlink /proc/self/ns/net") }
}

import Linux
import Sandbox
import SystemPackage
import Testing

/// /etc/hosts and /etc/resolv.conf, and their command line options.
@Suite struct NameTests {
    @Test("/etc/hosts has localhost, the host name and the added entries, and is read-only")
    func hosts() async throws {
        let fixture = try Fixture()
        let result = try await fixture.shell("cat /etc/hosts; ! echo x >> /etc/hosts") {
            $0.hostname = "box"
            $0.hosts = [
                try HostEntry(parsing: "db:10.1.2.3"), try HostEntry(parsing: "me=host-gateway"),
            ]
        }
        #expect(
            result.output
                == "127.0.0.1\tlocalhost box\n::1\tlocalhost ip6-localhost ip6-loopback\n10.1.2.3\tdb\n127.0.0.1\tme\n")
        #expect(result.error.contains("Read-only file system"))
        #expect(try fixture.directory.directory("upper").entries() == [])
    }

    @Test("The name servers are the host's; without a network there are none")
    func resolver() async throws {
        let fixture = try Fixture()
        let host = try OwnedDescriptor("/etc/resolv.conf").readAll(limit: 1 << 20)
        #expect(try await fixture.shell("cat /etc/resolv.conf").output == String(decoding: host, as: UTF8.self))
        let none = try await fixture.shell("cat /etc/resolv.conf") { $0.network = .none }
        #expect(none.output == "# This container has no network but its own.\n")
    }

    @Test("An attachment at the same path replaces them")
    func replaced() async throws {
        let fixture = try Fixture()
        try fixture.write("hosts", "mine\n")
        let result = try await fixture.shell("cat /etc/hosts; echo more >> /etc/hosts") {
            $0.attachments = [Attachment(.host(fixture.path.appending("hosts")), at: "/etc/hosts")]
        }
        #expect(result.output == "mine\n")
        #expect(try fixture.directory.contents(of: "hosts", limit: 100) == Array("mine\nmore\n".utf8))
    }

    @Test(
        "Host entries are NAME:ADDRESS or NAME=ADDRESS",
        arguments: [
            ("a:1.2.3.4", "a", "1.2.3.4"), ("a=1.2.3.4", "a", "1.2.3.4"), ("a:::1", "a", "::1"),
            ("a=[fe80::1]", "a", "fe80::1"), ("a.b-c=host-gateway", "a.b-c", "host-gateway"),
        ])
    func entries(text: String, name: String, address: String) throws {
        let entry = try HostEntry(parsing: text)
        #expect(entry.name == name)
        #expect(entry.address == address)
    }

    @Test(
        "Other texts are not host entries",
        arguments: ["", "a", "a:", ":1.2.3.4", "a:b", "a:1.2.3", "a b:1.2.3.4", "a\n:1.2.3.4", "a:1.2.3.4\n", "a=[::1"])
    func malformedEntries(text: String) {
        #expect(throws: SandboxError.malformedHost(text)) { try HostEntry(parsing: text) }
    }

    @Test(
        "Limits are NAME=SOFT[:HARD]",
        arguments: [
            ("nofile=1024:2048", 7, 1024, 2048), ("nofile=7", 7, 7, 7), ("core=-1", 4, .max, .max),
            ("nproc=5:-1", 6, 5, UInt64.max), ("rttime=0", 15, 0, 0),
        ] as [(String, UInt32, UInt64, UInt64)])
    func limits(text: String, resource: UInt32, soft: UInt64, hard: UInt64) throws {
        #expect(try Limit(parsing: text) == Limit(resource: resource, soft: soft, hard: hard))
    }

    @Test(
        "Other texts are not limits",
        arguments: [
            "", "nofile", "nofile=", "nofile=a", "nofile=1:", "nofile=2:1", "nofile=1:2:3", "files=1", "nofile=-2",
            "nofile=+1", "nofile=-1:5", "nofile=99999999999999999999", "NOFILE=1",
        ])
    func malformedLimits(text: String) {
        #expect(throws: SandboxError.malformedLimit(text)) { try Limit(parsing: text) }
    }
}

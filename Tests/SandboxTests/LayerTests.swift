import Linux
import Sandbox
import SystemPackage
import Testing

/// The upper directory after a container, which becomes a layer.
@Suite struct LayerTests {
    let fixture: Fixture

    init() throws {
        fixture = try Fixture()
    }

    private func upper() throws -> [String] {
        try fixture.directory.directory("upper").entries().map { String(decoding: $0.name, as: UTF8.self) }
    }

    @Test("A command that does nothing leaves nothing, and the root keeps its time")
    func nothing() async throws {
        let time = FileTime(seconds: 1_500_000_000, nanoseconds: 5)
        try fixture.directory.setModified(of: "upper", time)
        #expect(try await fixture.shell("true").status == .exited(0))
        #expect(try upper() == [])
        #expect(try fixture.directory.status(of: "upper").modified == time)
    }

    @Test("Mount points of attachments are removed, and the directory copied up for them")
    func attachments() async throws {
        try fixture.write("hosts", "127.0.0.1 localhost\n")
        let time = FileTime(seconds: 1_400_000_000, nanoseconds: 7)
        try fixture.directory.setModified(of: "lower/etc", time)
        let result = try await fixture.shell("cat /etc/hosts /etc/resolv.conf; ! echo x > /etc/hosts; ls /data/deep/er")
        {
            $0.attachments = [
                Attachment(.host(fixture.path.appending("hosts")), at: "/etc/hosts", isReadOnly: true),
                Attachment(.host(fixture.path.appending("hosts")), at: "/etc/resolv.conf", isReadOnly: true),
                Attachment(.host(fixture.path.appending("lower/bin")), at: "/data/deep/er"),
                Attachment(.memory(size: 1 << 20), at: "/scratch"),
            ]
        }
        #expect(result.output.hasPrefix("127.0.0.1 localhost\n127.0.0.1 localhost\nbusybox\n"))
        #expect(result.status == .exited(0))
        #expect(try upper() == [])
    }

    @Test("Files that the command made next to a mount point stay")
    func beside() async throws {
        try fixture.write("hosts", "")
        _ = try await fixture.shell("touch /etc/own; mkdir /data/kept") {
            $0.attachments = [
                Attachment(.host(fixture.path.appending("hosts")), at: "/etc/hosts"),
                Attachment(.memory(size: nil), at: "/data/memory"),
            ]
        }
        #expect(try upper() == ["data", "etc"])
        #expect(try fixture.directory.directory("upper/etc").entries().map(\.name) == [Array("own".utf8)])
        #expect(try fixture.directory.directory("upper/data").entries().map(\.name) == [Array("kept".utf8)])
    }

    @Test("A mount point that is a dangling link is made at its target, inside the root")
    func danglingLink() async throws {
        try fixture.write("resolv", "nameserver 1.1.1.1\n")
        try fixture.directory.makeLink("lower/etc/resolv.conf", to: "../run/systemd/resolve/stub-resolv.conf")
        let result = try await fixture.shell("cat /etc/resolv.conf") {
            $0.attachments = [Attachment(.host(fixture.path.appending("resolv")), at: "/etc/resolv.conf")]
        }
        #expect(result.output == "nameserver 1.1.1.1\n")
        #expect(try upper() == [])
    }

    @Test("Removed files are whiteouts, renamed directories are copies")
    func changes() async throws {
        try fixture.directory.makeDirectories("lower/d/e")
        #expect(try await fixture.shell("rm /etc/passwd; touch /new; busybox mv /d /moved").status == .exited(0))
        #expect(try fixture.directory.status(of: "upper/etc/passwd").isWhiteout)
        #expect(try fixture.directory.status(of: "upper/d").isWhiteout)
        #expect(try fixture.directory.attribute("trusted.overlay.redirect", of: "upper/moved") == nil)
        #expect(try upper() == ["d", "etc", "moved", "new"])
    }

    @Test("Hostile links at the mount points never reach the host", arguments: ["proc", "sys", "dev"])
    func hostileMountPoints(name: String) async throws {
        try fixture.directory.makeDirectory("outside")
        try fixture.directory.makeLink(FilePath("lower/\(name)"), to: fixture.path.appending("outside"))
        let refused = SystemError("make mount point", FilePath("/\(name)"), .tooManySymbolicLinkLevels)
        await #expect(throws: SandboxError.setup(refused)) { try await fixture.shell("true") }
        #expect(try fixture.directory.directory("outside").entries() == [])
        #expect(try upper() == [])
    }
}

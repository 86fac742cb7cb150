import Glibc
import Linux
import Sandbox
import SystemPackage
import Testing

/// Commands with the permissions of root on the host.
@Suite struct PrivilegeTests {
    @Test("A privileged command has all capabilities, writable kernel files and the host's devices")
    func privileged() async throws {
        let fixture = try Fixture()
        let script = """
            grep CapEff /proc/self/status; grep -c ' /proc/' /proc/self/mounts
            grep ' /sys ' /proc/self/mounts | cut -d' ' -f4 | cut -d, -f1; grep Seccomp: /proc/self/status
            mount -t tmpfs x /mnt && umount /mnt && mknod /zero c 1 5 && head -c 1 /zero | wc -c
            """
        try fixture.directory.makeDirectories("lower/mnt")
        let result = try await fixture.shell(script) { $0.isPrivileged = true }
        let own = String(decoding: try OwnedDescriptor("/proc/self/status").readAll(limit: 1 << 16), as: UTF8.self)
        let capabilities = own.split(separator: "\n").first { $0.hasPrefix("CapEff") } ?? ""
        #expect(result.output == "\(capabilities)\n0\nrw\nSeccomp:\t0\n1\n")
        #expect(result.status == .exited(0))
    }

    @Test("Every device of the host is in /dev, and none of them in the layer")
    func devices() async throws {
        let fixture = try Fixture()
        let result = try await fixture.shell("ls /dev") { $0.isPrivileged = true }
        let host = try Directory("/dev").entries().filter { $0.type == .characterDevice || $0.type == .blockDevice }
            .map { String(decoding: $0.name, as: UTF8.self) }.filter { $0 != "console" && $0 != "ptmx" }
        #expect(Set(result.output.split(separator: "\n").map(String.init)).isSuperset(of: host))
        #expect(try fixture.directory.directory("upper").entries() == [])
    }
}

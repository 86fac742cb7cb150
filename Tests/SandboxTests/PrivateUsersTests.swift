import Glibc
import Linux
import Sandbox
import SystemPackage
import Testing

@Suite(.enabled(if: geteuid() == 0, "only root has a private range to give"))
struct PrivateUsersTests {
    let fixture: Fixture

    init() throws {
        fixture = try Fixture()
    }

    @Test("Root in the container is no user of this machine, and owns the files it writes")
    func map() async throws {
        let script = "cat /proc/self/uid_map; id -u; touch /made; chown 5:6 /made; stat -c %u:%g /made /bin"
        let result = try await fixture.shell(script)
        let words = result.output.split { $0 == " " || $0 == "\n" }.map(String.init)
        #expect(words == ["0", "2147483648", "1073741824", "0", "5:6", "0:0"])
        let made = try fixture.directory.status(of: "upper/made")
        #expect(made.uid == 5 && made.gid == 6)
    }

    @Test("The host's IDs are optional, and always used for a privileged command")
    func host() async throws {
        for change in [{ $0.users = .host }, { $0.isPrivileged = true }] as [@Sendable (inout Command) -> Void] {
            let result = try await fixture.shell("cat /proc/self/uid_map", change)
            #expect(result.output.split(separator: " ").first { $0 != "0" }.map(String.init) == "4294967295\n")
        }
    }

    @Test("Device nodes are in the layer with mode and owner, and can't be opened")
    func nodes() async throws {
        let script = """
            umask 027; mkdir /d; chgrp 50 /d; chmod 2755 /d; cd /d
            mknod rel c 1 5; mknod /d/abs b 7 3; ln -s /d /link; mknod -m 666 /link/by c 1 3
            ! mknod rel c 1 5 2>/dev/null || exit 1
            ! mknod /missing/x c 1 5 2>/dev/null || exit 2
            ! head -c 1 rel 2>/dev/null || exit 3
            mkfifo pipe
            """
        #expect(try await fixture.shell(script).status == .exited(0))
        let expected: [(FilePath, Linux.FileType, UInt32, UInt32, UInt32)] = [
            ("rel", .characterDevice, 0o640, 1, 5), ("abs", .blockDevice, 0o640, 7, 3),
            ("by", .characterDevice, 0o666, 1, 3),
        ]
        for (name, type, mode, major, minor) in expected {
            let status = try fixture.directory.status(of: FilePath("upper/d").appending(name.components))
            #expect(status.type == type && status.mode == mode, "\(name): \(status)")
            #expect(status.major == major && status.minor == minor && status.uid == 0 && status.gid == 50)
        }
    }

    @Test("A user that may not make device nodes under Docker may not here")
    func refusals() async throws {
        let user = try await fixture.shell("mknod /tmp/x c 1 3 2>&1; mkdir /tmp/y 2>&1") {
            $0.account = Account(uid: 100, gid: 101)
        }
        #expect(user.output.contains("Operation not permitted") || user.output.contains("Permission denied"))
        let without = try await fixture.shell("mknod /x c 1 3 2>&1") {
            $0.capabilities = Capabilities(rawValue: Capabilities.standard.rawValue & ~(1 << 27))
        }
        #expect(without.output.contains("Operation not permitted"))
    }

    @Test("File capabilities are in the layer in the form of the initial user namespace")
    func fileCapabilities() async throws {
        let script = "cp /bin/busybox /cap && setcap cap_net_raw+ep /cap 2>&1"
        guard try await fixture.shell(script).status == .exited(0) else { return }
        let value = try fixture.directory.attribute("security.capability", of: "upper/cap")
        #expect(value?.count == 20)
    }

    @Test("A command may open its streams again, as any user")
    func streams() async throws {
        for uid in [0, 1000] as [UInt32] {
            let result = try await fixture.shell("echo out > /dev/stdout; echo err > /dev/stderr") {
                $0.account = Account(uid: uid, gid: uid)
            }
            #expect(result.output == "out\n" && result.error == "err\n", "user \(uid): \(result)")
        }
    }
}

@Suite struct OwnProgramTests {
    @Test("A container never runs the program that started it")
    func programs() async throws {
        let fixture = try Fixture()
        let direct = try await fixture.container.run(Command(["/proc/self/exe"]))
        // The launcher without a command exits with 127.
        #expect(direct == .exited(127))
        try fixture.write("lower/bin/script", "#!/proc/self/exe\n")
        try fixture.directory.setMode(of: "lower/bin/script", 0o755)
        let captured = Captured()
        let script = try? await fixture.container.run(Command(["/bin/script"])) { captured.add($0, $1) }
        #expect(script?.isSuccess != true)
        #expect(captured.all(.output).isEmpty)
    }

    @Test("Changes of a device node's owner and mode don't reach the host's node")
    func devices() async throws {
        let names = ["null", "zero", "full", "random", "urandom", "tty"]
        func statuses() throws -> [FileStatus] { try names.map { try Directory("/dev").status(of: FilePath($0)) } }
        let before = try statuses().map { [$0.mode, $0.uid, $0.gid] }
        let fixture = try Fixture()
        let script =
            "for n in \(names.joined(separator: " ")); do chmod 0741 /dev/$n; chown 1234 /dev/$n; done; chmod 0 /proc/keys; echo done"
        #expect(try await fixture.shell(script).output == "done\n")
        #expect(try statuses().map { [$0.mode, $0.uid, $0.gid] } == before)
    }
}

import Glibc
import Linux
import Sandbox
import SystemPackage
import Testing

@Suite struct ContainerTests {
    let fixture: Fixture

    init() throws {
        fixture = try Fixture()
    }

    @Test("The exit status is that of the command", arguments: [0, 1, 42, 255])
    func exits(code: Int32) async throws {
        #expect(try await fixture.shell("exit \(code)").status == .exited(code))
    }

    @Test("The status of a killed command has the signal's number")
    func signalled() async throws {
        // PID 1 ignores its own signals, but not those from outside.
        let running = try await fixture.container.start(Command(["sleep", "10000"]))
        running.kill()
        let status = try await running.wait()
        #expect(status == .signalled(SIGKILL))
        #expect(status.code == 137)
    }

    @Test("stdout and stderr arrive separately")
    func streams() async throws {
        let result = try await fixture.shell("echo out; echo err >&2; cat")
        #expect(result.output == "out\n")
        #expect(result.error == "err\n")
    }

    @Test("Bytes that aren't UTF-8 arrive unchanged")
    func rawBytes() async throws {
        let captured = Captured()
        let command = Command(["printf", "\\377\\000\\303("])
        #expect(try await fixture.container.run(command) { captured.add($0, $1) }.isSuccess)
        #expect(captured.all(.output) == [0xff, 0, 0xc3, 0x28])
    }

    @Test("Large output arrives completely")
    func largeOutput() async throws {
        let captured = Captured()
        let command = Command(["dd", "if=/dev/zero", "bs=65536", "count=512"])
        #expect(try await fixture.container.run(command) { captured.add($0, $1) }.isSuccess)
        #expect(captured.all(.output).count == 32 << 20)
    }

    @Test("Closed streams do not end the wait")
    func closedStreams() async throws {
        let result = try await fixture.shell("exec >&- 2>&-; sleep 0.2; mkdir /late")
        #expect(result.status == .exited(0))
        #expect(try fixture.directory.exists("upper/late"))
    }

    @Test("Daemons that hold the streams are killed with the command")
    func daemons() async throws {
        let result = try await fixture.shell("(sleep 271828 & sleep 271828 &) ; sleep 271828 & echo $$")
        #expect(result.status == .exited(0))
        #expect(result.output == "1\n")
        #expect(try processes(containing: "sleep\u{0}271828").isEmpty)
    }

    @Test("The error of a command that can't run has its name and the reason")
    func missing() async throws {
        try fixture.write("lower/bin/plain", "no program")
        for (name, errno) in [("nothing", Errno.noSuchFileOrDirectory), ("/bin/plain", .permissionDenied)] {
            await #expect(throws: SandboxError.command(name, errno)) {
                try await fixture.container.run(Command([name]))
            }
        }
        #expect(
            SandboxError.command("nothing", .noSuchFileOrDirectory).description
                == "cannot run 'nothing' in the container: No such file or directory")
    }

    @Test("Empty commands and NUL bytes are refused", arguments: [[], [""], ["a\u{0}b"]])
    func malformed(arguments: [String]) async throws {
        await #expect(throws: SandboxError.malformedCommand) { try await fixture.container.run(Command(arguments)) }
    }

    @Test("The command is PID 1 and sees no other process")
    func processes() async throws {
        #expect(try await fixture.shell("echo $$; echo /proc/[0-9]*").output == "1\n/proc/1\n")
    }

    @Test("The command has its host name, environment and working directory")
    func surroundings() async throws {
        let result = try await fixture.shell("hostname; pwd; echo $A $HOME; stat -c %u:%g:%a /new/place") {
            $0.hostname = "box"
            $0.environment = ["A=b c"]
            $0.workingDirectory = "/new/place"
            $0.account = Account(uid: 100, gid: 101, groups: [200], home: Array("/srv".utf8))
        }
        #expect(result.output == "box\n/new/place\nb c /srv\n100:101:755\n")
    }

    @Test("The user has the account's IDs, with Docker's capabilities for root and none for others")
    func identity() async throws {
        let script = "id; grep -E 'Cap(Eff|Prm|Bnd|Inh|Amb)|NoNew' /proc/self/status"
        let root = try await fixture.shell(script).output
        #expect(root.hasPrefix("uid=0(root) gid=0(root)"))
        #expect(root.contains("CapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb"))
        let account = try fixture.overlay.account("app")
        #expect(account == Account(uid: 100, gid: 101, groups: [200], home: Array("/srv".utf8)))
        let app = try await fixture.shell(script) { $0.account = account }.output
        #expect(app.hasPrefix("uid=100(app) gid=101 groups=101,200(extra)"))
        #expect(app.contains("CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t00000000a80425fb"))
        #expect(app.contains("NoNewPrivs:\t0"))
    }

    @Test("Devices work, kernel files are hidden or read-only")
    func kernelFiles() async throws {
        let script = """
            set -e
            head -c 4 /dev/zero > /dev/null; head -c 8 /dev/urandom > /dev/null; echo x > /dev/shm/x
            ls /dev/pts/ptmx /dev/fd/ > /dev/null
            test -z "$(cat /proc/kcore)"; test -z "$(cat /proc/keys)"; test -z "$(ls /sys/firmware)"
            ! echo 1 > /proc/sys/kernel/panic; ! mkdir /sys/x; ! mount -t tmpfs x /bin
            echo good
            """
        #expect(try await fixture.shell(script).output == "good\n")
    }

    @Test("Without a network there is only loopback, which is up")
    func noNetwork() async throws {
        let result = try await fixture.shell("ls /sys/class/net; ip -o link | grep -c 'lo: <LOOPBACK,UP'") {
            $0.network = .none
        }
        #expect(result.output == "lo\n1\n")
    }

    @Test("Mounts made inside stay inside")
    func mounts() async throws {
        let result = try await fixture.shell(
            "mkdir /m; mount -t tmpfs mounted-inside /m && touch /m/x && umount -l /proc; exit 3"
        ) {
            $0.capabilities = .all
        }
        #expect(result.status == .exited(3))
        #expect(try fixture.directory.directory("upper/m").entries() == [])
        // Other tests mount and unmount meanwhile, so only this one's mounts are looked for.
        let table = String(decoding: try OwnedDescriptor("/proc/self/mountinfo").readAll(limit: 1 << 20), as: UTF8.self)
        #expect(!table.contains("mounted-inside"))
        #expect(table.contains(" /proc "))
    }

    @Test("A user may start in a directory that only root can enter")
    func closedDirectory() async throws {
        try fixture.directory.makeDirectory("lower/root", mode: 0o700)
        let result = try await fixture.shell("pwd") {
            $0.workingDirectory = "/root"
            $0.account = Account(uid: 100, gid: 101)
        }
        #expect(result.output == "/root\n")
    }

    @Test("No descriptor of this process is open inside")
    func descriptors() async throws {
        let open = try OwnedDescriptor("/etc/passwd")
        #expect(fcntl(open.rawValue, F_SETFD, 0) == 0)
        // No pipeline, since the shell would hold its ends for a moment; 3 is the directory that ls reads.
        #expect(try await fixture.shell("exec ls /proc/self/fd").output == "0\n1\n2\n3\n")
    }

    @Test("Limits are set")
    func limits() async throws {
        let result = try await fixture.shell("ulimit -n") {
            $0.limits = [Limit(resource: UInt32(RLIMIT_NOFILE.rawValue), soft: 77, hard: 88)]
        }
        #expect(result.output == "77\n")
    }

    @Test("Cancelling the task kills the command")
    func cancellation() async throws {
        let fixture = fixture
        let (ready, signal) = AsyncStream<Void>.makeStream()
        let task = Task {
            defer { signal.finish() }
            return try await fixture.container.run(Command(["sh", "-c", "echo; exec sleep 1000"])) { _, _ in
                signal.yield()
            }
        }
        for await _ in ready.prefix(1) {}
        task.cancel()
        #expect(try await task.value == .signalled(SIGKILL))
    }

    @Test("One overlay has one container at a time")
    func exclusive() async throws {
        let running = try await fixture.container.start(Command(["sleep", "1000"]))
        await #expect(throws: SandboxError.overlayInUse(fixture.overlay.upper)) {
            try await fixture.container.run(Command(["true"]))
        }
        running.kill()
        _ = try await running.wait()
        #expect(try await fixture.container.run(Command(["true"])).isSuccess)
    }

    @Test("Fifty parallel containers don't affect each other")
    func parallel() async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<50 {
                group.addTask {
                    let fixture = try Fixture()
                    let result = try await fixture.shell("echo \(number) > /n; cat /n; ls /proc/2 > /dev/null; exit 7")
                    return result.output == "\(number)\n" && result.status == .exited(7)
                }
            }
            for try await isGood in group { #expect(isGood) }
        }
    }

    /// Returns the host's processes whose command line contains `text`.
    private func processes(containing text: String) throws -> [String] {
        try Directory("/proc").entries().map { String(decoding: $0.name, as: UTF8.self) }.filter { name in
            guard Int(name) != nil, let file = try? OwnedDescriptor(FilePath("/proc/\(name)/cmdline")) else {
                return false
            }
            return String(decoding: (try? file.readAll(limit: 1 << 20)) ?? [], as: UTF8.self).contains(text)
        }
    }
}

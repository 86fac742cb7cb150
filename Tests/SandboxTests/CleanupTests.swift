import Glibc
import Linux
import Sandbox
import SystemPackage
import Testing

/// Cleanup after a command that misbehaves or is killed: nothing is left.
@Suite struct CleanupTests {
    /// Returns a command that uses every resource that a container can have.
    private func everything(_ fixture: Fixture, _ script: String) -> Command {
        var command = Command(["sh", "-c", script])
        command.isPrivileged = true
        command.network = .isolated
        command.processLimit = 200
        command.attachments = [
            Attachment(.memory(size: 1 << 20), at: "/deep/er/memory"),
            Attachment(.layers([fixture.path.appending("lower")], path: "/bin"), at: "/other/bin"),
        ]
        return command
    }

    @Test("Cancelling leaves no process, mount, namespace, group or stub")
    func cancelled() async throws {
        let fixture = try Fixture()
        let mark = "\(UInt32.random(in: 1_000_000 ... .max))"
        let command = everything(
            fixture, "mkdir /m; mount -t tmpfs x\(mark) /m; (sleep \(mark) &); sleep \(mark) & echo; wait")
        let (ready, signal) = AsyncStream<Void>.makeStream()
        let task = Task {
            defer { signal.finish() }
            return try await fixture.container.run(command) { _, _ in signal.yield() }
        }
        for await _ in ready.prefix(1) {}
        let namespaces = try Self.namespaces(of: mark)
        #expect(namespaces.count >= 6)
        task.cancel()
        #expect(try await task.value == .signalled(SIGKILL))
        #expect(try Self.namespaces(of: mark) == [])
        #expect(
            try fixture.directory.directory("upper").entries().map { String(decoding: $0.name, as: UTF8.self) } == ["m"]
        )
        let table = String(decoding: try OwnedDescriptor("/proc/self/mountinfo").readAll(limit: 1 << 20), as: UTF8.self)
        #expect(!table.contains(fixture.path.string) && !table.contains(mark))
    }

    @Test("A command that changes its own mounts leaves no mount behind")
    func mounts() async throws {
        let fixture = try Fixture()
        let script = """
            mkdir -p /a /b && mount -t tmpfs x /a && touch /a/file && mount -o bind /a /b && mount -o remount,ro / &&
            umount -l /proc && umount -l /dev/shm; mount -t tmpfs x /bin; exit 5
            """
        #expect(try await fixture.container.run(everything(fixture, script)) == .exited(5))
        #expect(
            try fixture.directory.directory("upper").entries().map { String(decoding: $0.name, as: UTF8.self) } == [
                "a", "b",
            ])
        #expect(try fixture.directory.directory("upper/a").entries() == [])
        #expect(try await fixture.container.run(Command(["true"])).isSuccess)
    }

    @Test("A command that fills the disk fails with its own error, and the next one works")
    func fullDisk() async throws {
        let fixture = try Fixture()
        let disk = fixture.path.appending("disk")
        try fixture.directory.makeDirectory("disk")
        try Mount.make("tmpfs", options: [("size", "2m")]).attach(to: disk)
        defer { try? Mount.detach(disk, lazily: true) }
        for name in ["disk/upper", "disk/work"] { try fixture.directory.makeDirectory(FilePath(name)) }
        let overlay = Overlay(
            lowers: [fixture.path.appending("lower")], upper: disk.appending("upper"), work: disk.appending("work"))
        let captured = Captured()
        let fill = Command(["sh", "-c", "dd if=/dev/zero of=/full bs=65536"])
        #expect(try await Container(overlay).run(fill) { captured.add($0, $1) } == .exited(1))
        #expect(captured.text(.error).contains("No space left on device"))
        // Even with no free byte, and a mount point to be made.
        var next = Command(["rm", "/full"])
        next.attachments = [Attachment(.memory(size: nil), at: "/memory")]
        #expect(try await Container(overlay).run(next).isSuccess)
        #expect(try Directory(overlay.upper).entries() == [])
    }

    /// The namespaces of processes whose command line holds `mark`.
    private static func namespaces(of mark: String) throws -> Set<String> {
        try namespaces { name in
            let words = try? OwnedDescriptor(FilePath("/proc/\(name)/cmdline")).readAll(limit: 1 << 16)
            return String(decoding: words ?? [], as: UTF8.self).hasPrefix("sleep\u{0}\(mark)")
        }.subtracting(try namespaces { $0 == "self" })
    }

    private static func namespaces(where isWanted: (String) -> Bool) throws -> Set<String> {
        var result: Set<String> = []
        for entry in try Directory("/proc").entries() {
            let name = String(decoding: entry.name, as: UTF8.self)
            guard name == "self" || Int(name) != nil, isWanted(name) else { continue }
            for kind in ["mnt", "pid", "net", "ipc", "uts", "cgroup"] {
                // Processes may exit at any time.
                let link = try? Directory(FilePath("/proc/\(name)/ns")).target(ofLink: FilePath(kind))
                if let link { result.insert(String(decoding: link, as: UTF8.self)) }
            }
        }
        return result
    }
}

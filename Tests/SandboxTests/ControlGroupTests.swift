import Glibc
import Linux
import SystemPackage
import Testing

@testable import Sandbox

/// Limits that only control groups can hold; one after the other, to see that none leaves a group.
@Suite(.serialized) struct ControlGroupTests {
    private static let hybrid = """
        30 22 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw
        31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
        32 30 0:28 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
        33 30 0:29 /docker/abc /sys/fs/cgroup/mem\\040ory rw shared:1 - cgroup cgroup rw,memory
        34 30 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
        """

    @Test(
        "A controller's hierarchy is found in any layout",
        arguments: [
            (Controller.processes, "8:pids:/a/b\n0::/", hybrid, ["/sys/fs/cgroup/pids/a/b", "/sys/fs/cgroup/unified"]),
            (.memory, "4:memory:/docker/abc/x\n", hybrid, ["/sys/fs/cgroup/mem ory/x"]),
            (.memory, "4:memory:/elsewhere\n", hybrid, ["/sys/fs/cgroup/mem ory"]),
            (.processes, "8:pids:/../..\n", hybrid, ["/sys/fs/cgroup/pids"]),
            (
                .processes, "0::/user.slice/x\n", "9 8 0:1 / /sys/fs/cgroup rw - cgroup2 c rw",
                ["/sys/fs/cgroup/user.slice/x"]
            ),
            (.processes, "0::/\n", "", []), (.processes, "", hybrid, []), (.processes, "8:pids\n::\n", hybrid, []),
        ])
    func hierarchies(controller: Controller, groups: String, mounts: String, expected: [String]) {
        let found = Hierarchy.candidates(for: controller, groups: groups, mounts: mounts)
        #expect(found.map(\.own.string) == expected)
    }

    @Test("In v2 the nearest group above that hands the controller on takes the new one")
    func unified() throws {
        let fixture = try Fixture()
        try fixture.directory.makeDirectories("v2/slice/scope")
        for (group, handed) in [("", "cpu memory pids\n"), ("slice/", "cpu memory\n"), ("slice/scope/", "")] {
            try fixture.write(FilePath("v2/\(group)cgroup.subtree_control"), handed)
        }
        let top = fixture.path.appending("v2")
        let found = Hierarchy.candidates(
            for: .memory, groups: "0::/slice/scope", mounts: "9 8 0:1 / \(top.string) rw - cgroup2 c rw")
        #expect(found.map { $0.parent(for: .memory) } == [top.appending("slice")])
        #expect(found.map { $0.parent(for: .processes) } == [top])
    }

    private static let version2: Hierarchy? = {
        let texts = ["/proc/self/cgroup", "/proc/self/mountinfo"].map { path in
            String(decoding: (try? OwnedDescriptor(FilePath(path)).readAll(limit: 1 << 20)) ?? [], as: UTF8.self)
        }
        return Hierarchy.candidates(for: .processes, groups: texts[0], mounts: texts[1]).first { $0.isUnified }
    }()

    @Test("In v2 a child is born in its group", .enabled(if: version2 != nil, "no cgroup v2 is mounted here"))
    func born() throws {
        let hierarchy = try #require(Self.version2)
        let name = FilePath("thaw.\(getpid()).born")
        let parent = try Directory(hierarchy.own)
        try parent.makeDirectory(name)
        defer { try? parent.removeDirectory(name) }
        let group = try parent.directory(name)
        let output = try Pipe()
        let input = try OwnedDescriptor("/dev/null")
        var script = Script()
        let launched = try script.launch(
            Launch(
                arguments: ["/bin/grep", "^0:", "/proc/self/cgroup"], namespaces: 0,
                streams: (input.rawValue, output.start.rawValue, output.start.rawValue),
                group: group.descriptor.rawValue))
        var status: Int32 = 0
        unsafe waitpid(launched.process, &status, 0)
        let text = String(decoding: try Pipe.drain(output.readingEnd()), as: UTF8.self)
        #expect(text.hasSuffix("/\(name.string)\n"))
    }

    @Test("Where a machine can't count, the caller is told; here it can, or this says so")
    func shortfalls() throws {
        let fixture = try Fixture()
        let container = fixture.container
        var command = Command(["true"])
        #expect(try container.shortfalls(of: command) == [])
        command.processLimit = 10
        command.memoryLimit = 1 << 30
        let expected = [Shortfall.processLimit, .memoryLimit].filter {
            Place.all[$0 == .processLimit ? .processes : .memory] == nil
        }
        #expect(try container.shortfalls(of: command) == expected)
    }

    @Test("A fork bomb ends with an error and leaves nothing", arguments: [0, 100])
    func forkBomb(uid: UInt32) async throws {
        let fixture = try Fixture()
        let result = try await fixture.shell("bomb() { bomb | bomb; }; bomb") {
            $0.account = Account(uid: uid, gid: uid)
            $0.processLimit = 64
        }
        #expect(!result.status.isSuccess)
        #expect(result.error.contains("can't fork"))
        try expectNoGroups(limitedTo: "64")
    }

    @Test("As many processes as the limit can run")
    func limit() async throws {
        let fixture = try Fixture()
        let script = "n=0; while [ $n -lt 7 ]; do sleep 100 & n=$((n + 1)); done; echo started; sleep 100 & echo no"
        let result = try await fixture.shell(script) { $0.processLimit = 8 }
        #expect(result.output == "started\n")
        #expect(!result.status.isSuccess)
    }

    @Test("A command that takes more memory than it may is killed")
    func memory() async throws {
        let fixture = try Fixture()
        let result = try await fixture.shell("dd if=/dev/zero of=/dev/null bs=200M count=1; echo $?") {
            $0.memoryLimit = 50 << 20
        }
        #expect(result.output == "137\n")
        try expectNoGroups(limitedTo: "\(50 << 20)")
    }

    @Test("The command sees its group as the top")
    func view() async throws {
        let fixture = try Fixture()
        let result = try await fixture.shell("grep -E ':(pids|):' /proc/self/cgroup") { $0.processLimit = 100 }
        for line in result.output.split(separator: "\n") { #expect(line.hasSuffix(":/")) }
    }

    @Test("What a killed process left is swept, what a living one has stays")
    func sweep() throws {
        let fixture = try Fixture()
        // No process has a number beyond the kernel's own limit of four million.
        for name in ["thaw.5000001.a", "thaw.5000002.b", "thaw.\(getppid()).c", "other.5000001.d", "thaw.x.y"] {
            try fixture.directory.makeDirectories(FilePath("groups/\(name)"))
        }
        let held = try OwnedDescriptor(fixture.path.appending("groups/thaw.5000002.b"))
        #expect(flock(held.rawValue, LOCK_SH) == 0)
        Place(path: fixture.path.appending("groups"), isUnified: false).sweep()
        let left = try fixture.directory.directory("groups").entries().map { String(decoding: $0.name, as: UTF8.self) }
        #expect(left.sorted() == ["other.5000001.d", "thaw.5000002.b", "thaw.\(getppid()).c", "thaw.x.y"].sorted())
    }

    /// Other suites' containers have groups meanwhile, with other limits.
    private func expectNoGroups(limitedTo limit: String) throws {
        for place in Set(Place.all.values) {
            let names = try Directory(place.path).entries().map { String(decoding: $0.name, as: UTF8.self) }
            for name in names where name.hasPrefix("thaw.\(getpid()).") {
                for file in ["pids.max", "memory.max", "memory.limit_in_bytes"] {
                    let path = place.path.appending(name).appending(file)
                    // A group that goes meanwhile has no such file either.
                    let text = (try? OwnedDescriptor(path).readAll(limit: 100)) ?? []
                    #expect(String(decoding: text, as: UTF8.self) != "\(limit)\n", "\(name) is left")
                }
            }
        }
    }
}

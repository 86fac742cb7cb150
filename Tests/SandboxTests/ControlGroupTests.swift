import Glibc
import Linux
import SystemPackage
import Testing

@testable import Sandbox

/// Limits that need control groups; serialized, to check that no test leaves a group.
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

    @Test("In v2 the new group is in the nearest group above that enables the controller")
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

    @Test("In v2 a child starts in its group", .enabled(if: version2 != nil, "no cgroup v2 is mounted here"))
    func born() throws {
        let hierarchy = try #require(Self.version2)
        let name = FilePath("thaw.\(getpid()).born")
        let parent = try Directory(hierarchy.own)
        try parent.makeDirectory(name)
        defer { try? parent.removeDirectory(name) }
        let group = try parent.directory(name)
        let output = try Pipe()
        let input = try OwnedDescriptor("/dev/null")
        var script = SetupScript()
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

    @Test("In v2 all controllers of a container are in the highest of their groups")
    func oneUnifiedGroup() {
        let (near, far) = (CgroupParent(path: "/c/a/b", isUnified: true), CgroupParent(path: "/c/a", isUnified: true))
        let old = CgroupParent(path: "/pids/x", isUnified: false)
        let all: [Controller: CgroupParent] = [.memory: near, .cpuTime: far, .processes: old]
        #expect(
            CgroupParent.parents(for: [.memory, .cpuTime, .processes], in: all) == [
                .memory: far, .cpuTime: far, .processes: old,
            ])
        #expect(CgroupParent.parents(for: [.memory, .cpuSet], in: all) == [.memory: near])
    }

    private static let everything: Command = {
        var command = Command(["true"])
        (command.processLimit, command.memoryLimit, command.swapLimit) = (10, 1 << 20, .total(3 << 20))
        (command.cpus.quota, command.cpus.period, command.cpus.shares) = (50_000, 100_000, 512)
        (command.cpus.set, command.cpus.memoryNodes) = (CPUSet("0-1"), CPUSet("0"))
        return command
    }()

    @Test("Each limit has its files in v1 and in v2")
    func settings() {
        let texts = { (isUnified: Bool) in
            Self.everything.controllers.flatMap { Self.everything.settings($0, isUnified: isUnified) }.map { setting in
                if case .text(let text) = setting.value { "\(setting.file)=\(text)" } else { "\(setting.file)" }
            }
        }
        #expect(
            texts(false) == [
                "pids.max=10", "memory.limit_in_bytes=1048576", "memory.memsw.limit_in_bytes=3145728",
                "cpu.cfs_period_us=100000", "cpu.cfs_quota_us=50000", "cpu.shares=512", "cpuset.cpus=0-1",
                "cpuset.mems=0",
            ])
        #expect(
            texts(true) == [
                "pids.max=10", "memory.max=1048576", "memory.swap.max=2097152", "cpu.max=50000 100000", "cpu.weight=20",
                "cpuset.cpus=0-1", "cpuset.mems=0",
            ])
        var command = Command(["true"])
        command.cpus.set = CPUSet("1")
        #expect(command.settings(.cpuSet, isUnified: true) == [GroupSetting("cpuset.cpus", "1")])
        #expect(command.settings(.cpuSet, isUnified: false).last == GroupSetting(inheriting: "cpuset.mems"))
        #expect(Command(["true"]).controllers == [])
    }

    @Test("Only the default swap limit may be skipped without swap accounting")
    func swap() {
        var command = Command(["true"])
        command.memoryLimit = 1 << 20
        #expect(command.settings(.memory, isUnified: true).last?.exception == .missingFile)
        #expect(command.settings(.memory, isUnified: false).last?.exception == .missingFile)
        command.swapLimit = .unlimited
        #expect(command.settings(.memory, isUnified: true).last?.value == .text("max"))
        #expect(command.settings(.memory, isUnified: false).count == 1)
        command.swapLimit = .total(2 << 20)
        #expect(command.settings(.memory, isUnified: true).last?.exception == GroupSetting.Exception.none)
    }

    @Test(
        "A limit without a group is enforced by a weaker mechanism, or not at all",
        arguments: [
            ([], false, [.eachProcess, nil, .user, nil, nil, .affinity, nil]),
            ([], true, [.eachProcess, nil, nil, nil, nil, .affinity, nil]),
            ([.memory, .cpuSet], true, [nil, nil, nil]), (Set(Controller.allCases), true, []),
        ] as [(Set<Controller>, Bool, [UnenforcedLimit.Substitute?])])
    func shortfalls(available: Set<Controller>, isRoot: Bool, expected: [UnenforcedLimit.Substitute?]) {
        #expect(Self.everything.unenforcedLimits(with: available, isRoot: isRoot).map(\.substitute) == expected)
    }

    @Test("Without a group, a limit to a number of CPUs is enforced by affinity")
    func affinityInstead() throws {
        var command = Command(["true"])
        #expect(command.cpus.limit(to: 1, of: try #require(CPUSet("4-5"))))
        #expect(
            command.unenforcedLimits(with: [], isRoot: true) == [
                UnenforcedLimit(limit: .cpuTime, substitute: .affinity)
            ])
    }

    @Test(
        "The kernel's count of OOM kills is read in v1 and v2",
        arguments: [
            ("low 0\nhigh 0\nmax 7\noom 3\noom_kill 2\noom_group_kill 0\n", UInt64(2)),
            ("oom_kill_disable 0\nunder_oom 0\noom_kill 0\n", 0), ("oom_kill_disable 0\nunder_oom 0\n", nil),
            ("oom_kill\n", nil), ("oom_kill x\n", nil), ("", nil),
        ] as [(String, UInt64?)])
    func kills(text: String, expected: UInt64?) {
        #expect(MemoryEvents.kills(in: text) == expected)
    }

    @Test("A command sees as many CPUs as it may use, by affinity and in /sys")
    func seenCPUs() async throws {
        let fixture = try Fixture()
        let allowed = try CPUSet.allowed()
        let result = try await fixture.shell(
            "grep Cpus_allowed_list /proc/self/status | cut -f 2; cat /sys/devices/system/cpu/online"
        ) {
            let isLimited = $0.cpus.limit(to: 1, of: allowed)
            #expect(isLimited)
            $0.hideOtherCPUs()
        }
        let lines = result.output.split(separator: "\n").compactMap { CPUSet(String($0)) }
        #expect(lines.count == 2 && lines.allSatisfy { $0.numbers.count == 1 && allowed.contains($0) })
        #expect(lines.first == lines.last)
    }

    @Test(
        "A command has the CPU time of its limit",
        .enabled(if: CgroupParent.all[.cpuTime] != nil, "no group counts CPU time"))
    func quota() async throws {
        let fixture = try Fixture()
        let place = try #require(CgroupParent.all[.cpuTime])
        let file = place.isUnified ? "cpu.max" : "cpu.cfs_quota_us"
        let result = try await fixture.shell("cut -d ' ' -f 1 /groups/thaw.\(getpid()).*/\(file)") {
            $0.cpus.quota = 20_000
            $0.attachments = [Attachment(.host(place.path), at: "/groups", isReadOnly: true)]
        }
        #expect(result.output.split(separator: "\n").contains("20000"), "\(result.error)")
    }

    @Test("A command runs only on its CPUs", .enabled(if: CgroupParent.all[.cpuSet] != nil, "no group has CPUs"))
    func cpuSet() async throws {
        let fixture = try Fixture()
        let last = try #require(try CPUSet.allowed().numbers.last)
        let result = try await fixture.shell("grep -E '(Cpus|Mems)_allowed_list' /proc/self/status | cut -f 2") {
            $0.cpus.set = CPUSet("\(last)")
        }
        #expect(result.output.hasPrefix("\(last)\n"))
        #expect(result.output.split(separator: "\n").count == 2)
    }

    @Test("A container reports running out of memory, and only then", arguments: [(200, true), (10, false)])
    func outOfMemory(megabytes: Int, expected: Bool) async throws {
        let fixture = try Fixture()
        var command = Command(["/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=\(megabytes)M", "count=1"])
        command.memoryLimit = 50 << 20
        let running = try await fixture.container.start(command)
        #expect(try await running.wait() == (expected ? .signalled(SIGKILL) : .exited(0)))
        #expect(running.ranOutOfMemory == expected)
    }

    @Test("A fork bomb fails with an error and leaves no group", arguments: [0, 100])
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
        // The process that starts the command ends a moment later, and counts until then.
        let script =
            "sleep 0.5; n=0; while [ $n -lt 7 ]; do sleep 100 & n=$((n + 1)); done; echo started; sleep 100 & echo no"
        let result = try await fixture.shell(script) { $0.processLimit = 8 }
        #expect(result.output == "started\n")
        #expect(!result.status.isSuccess)
    }

    @Test("A command that exceeds its memory limit is killed")
    func memory() async throws {
        let fixture = try Fixture()
        let result = try await fixture.shell("dd if=/dev/zero of=/dev/null bs=200M count=1; echo $?") {
            $0.memoryLimit = 50 << 20
        }
        #expect(result.output == "137\n")
        try expectNoGroups(limitedTo: "\(50 << 20)")
    }

    @Test("The command sees its group as the root group")
    func view() async throws {
        let fixture = try Fixture()
        let result = try await fixture.shell("grep -E ':(pids|):' /proc/self/cgroup") { $0.processLimit = 100 }
        for line in result.output.split(separator: "\n") { #expect(line.hasSuffix(":/")) }
    }

    @Test("Groups of a killed process are removed, those of a running one stay")
    func sweep() throws {
        let fixture = try Fixture()
        // No PID is greater than the kernel's limit of four million.
        for name in ["thaw.5000001.a", "thaw.5000002.b", "thaw.\(getppid()).c", "other.5000001.d", "thaw.x.y"] {
            try fixture.directory.makeDirectories(FilePath("groups/\(name)"))
        }
        let held = try OwnedDescriptor(fixture.path.appending("groups/thaw.5000002.b"))
        #expect(flock(held.rawValue, LOCK_SH) == 0)
        CgroupParent(path: fixture.path.appending("groups"), isUnified: false).removeAbandoned()
        let left = try fixture.directory.directory("groups").entries().map { String(decoding: $0.name, as: UTF8.self) }
        #expect(left.sorted() == ["other.5000001.d", "thaw.5000002.b", "thaw.\(getppid()).c", "thaw.x.y"].sorted())
    }

    /// Other suites' containers have groups meanwhile, with other limits.
    private func expectNoGroups(limitedTo limit: String) throws {
        for place in Set(CgroupParent.all.values) {
            let names = try Directory(place.path).entries().map { String(decoding: $0.name, as: UTF8.self) }
            for name in names where name.hasPrefix("thaw.\(getpid()).") {
                for file in ["pids.max", "memory.max", "memory.limit_in_bytes"] {
                    let path = place.path.appending(name).appending(file)
                    // The file is also missing if the group is removed meanwhile.
                    let text = (try? OwnedDescriptor(path).readAll(limit: 100)) ?? []
                    #expect(String(decoding: text, as: UTF8.self) != "\(limit)\n", "\(name) is left")
                }
            }
        }
    }
}

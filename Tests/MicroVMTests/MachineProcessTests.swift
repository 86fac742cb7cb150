import Glibc
import Harness
import Linux
import Synchronization
import SystemPackage
import Testing

@testable import MicroVM

/// A program that serves machines.
enum ServingProgram {
    /// It is beside the tests, or installed; `nil` if it is neither.
    static let path: FilePath? =
        beside("MachineStart") ?? beside("thaw") ?? (unsafe access("/usr/bin/thaw", X_OK) == 0 ? "/usr/bin/thaw" : nil)

    /// Returns the path of a program that was built with the tests.
    static func beside(_ name: String) -> FilePath? {
        CommandLine.arguments.map { FilePath($0).removingLastComponent().appending(name) }.first {
            unsafe $0.isAbsolute && access($0.string, X_OK) == 0
        }
    }

    static var jail: MachineJail { MachineJail(program: path ?? "/nowhere") }
}

/// Machines of hand-written guests in processes of their own, which run on any KVM, also on a software KVM.
@Suite(
    .enabled(if: ThisMachine.hasKVM, "there is no /dev/kvm that this user may open"),
    .enabled(if: ServingProgram.path != nil, "neither MachineStart nor thaw is built"))
struct MachineProcessTests {
    private func configuration(_ scratch: TemporaryDirectory, _ code: [UInt8]) throws -> MachineConfiguration {
        let kernel = try scratch.write("kernel", HandWrittenGuest.kernel(code))
        var configuration = MachineConfiguration(
            kernel: kernel, kernelCache: scratch.path, commandLine: ["quiet"], initramfs: [1, 2, 3],
            memoryBytes: 16 << 20)
        configuration.root = try scratch.write("disk", [UInt8](repeating: 7, count: 8192))
        configuration.vsock = scratch.path.appending("vsock")
        return configuration
    }

    private func soon(_ seconds: UInt64 = 20) -> UInt64 { monotonicNanoseconds() + seconds * 1_000_000_000 }

    private func little(_ numbers: UInt32...) -> [UInt8] {
        var writer = StateWriter()
        for number in numbers { writer.put(number) }
        return writer.bytes
    }

    @Test("A guest's process has no privileges, files, network or view of other processes, before and while it runs")
    func jail() throws {
        let scratch = try TemporaryDirectory()
        let views = Mutex<[ProcessView]>([])
        let faults = Mutex<[String]>([])
        let machine = try MachineProcess(configuration(scratch, HandWrittenGuest.rings), ServingProgram.jail) { _, _ in
            // The guest is paused in its first instructions: all threads exist.
            for view in views.withLock({ $0 }) { faults.withLock { $0 += Self.faults(of: view, scratch) } }
            return .end
        }
        defer { machine.close() }
        let view = ProcessView(machine.number)
        views.withLock { $0.append(view) }
        #expect(Self.faults(of: view, scratch) == [])
        #expect(machine.run(until: soon()) == .ended(.finished))
        #expect(faults.withLock { $0 } == [])
    }

    /// Returns the rights that the process has but should not have.
    private static func faults(of view: ProcessView, _ scratch: TemporaryDirectory) -> [String] {
        var faults = view.threads.isEmpty ? ["no threads"] : []
        for thread in view.threads {
            for (name, value) in ["Seccomp": "2", "NoNewPrivs": "1", "Groups": ""] where thread[name] != value {
                faults.append("\(name) \(thread[name] ?? "missing")")
            }
            for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] where thread[name] != "0000000000000000" {
                faults.append("\(name) \(thread[name] ?? "missing")")
            }
            for name in ["Uid", "Gid"] where thread[name]?.split(separator: " ").contains("0") != false {
                faults.append("\(name) \(thread[name] ?? "missing")")
            }
        }
        faults += view.shared(["mnt", "net", "pid_for_children", "pid", "ipc", "uts", "cgroup"]).map { "shared \($0)" }
        faults += view.root.map { "file \($0)" }
        let expected = [
            "socket:", "/dev/kvm", "anon_inode:", "\(scratch.path)/kernel", "\(scratch.path)/disk", "/memfd:thaw",
            "/\(view.number)/smaps", "/proc/\(view.number)/smaps",
        ]
        faults += view.descriptors.filter { link in !expected.contains { link.hasPrefix($0) } }
        if view.limit("Max core file size") != "0 0" { faults.append("core dumps") }
        if view.limit("Max file size") != "0 0" { faults.append("files") }
        return faults
    }

    @Test("A guest's message arrives with its time, and the figures are those of its process")
    func rings() throws {
        let scratch = try TemporaryDirectory()
        let heard = Mutex<[[UInt8]]>([])
        let before = monotonicNanoseconds()
        let machine = try MachineProcess(configuration(scratch, HandWrittenGuest.rings), ServingProgram.jail) {
            message, time in
            heard.withLock { $0.append(message) }
            return time >= before && time <= monotonicNanoseconds() ? .end : .proceed()
        }
        defer { machine.close() }
        #expect(machine.run(until: soon()) == .ended(.finished))
        #expect(heard.withLock { $0 } == [Array("hello".utf8)])
        #expect(machine.enteredAt >= before)
        #expect(machine.exitCount >= 1)
        #expect(machine.pageFaults > 0)
        #expect(machine.diskReads == DiskReads())
        let overhead = try #require(machine.overheadBytes)
        #expect((100 << 10..<64 << 20).contains(Int(overhead)))
    }

    @Test("A guest's reset, a deadline, and a stop from another thread end the machine")
    func endings() throws {
        let scratch = try TemporaryDirectory()
        let ends: [([UInt8], UInt64, Machine.StopReason)] = [
            (HandWrittenGuest.resets, 20_000_000_000, .reset), (HandWrittenGuest.hangs, 100_000_000, .timedOut),
        ]
        for (code, timeout, ending) in ends {
            var configuration = try configuration(scratch, code)
            configuration.vsock = nil
            let machine = try MachineProcess(configuration, ServingProgram.jail) { _, _ in .end }
            defer { machine.close() }
            #expect(machine.run(until: monotonicNanoseconds() + timeout) == .ended(ending))
        }
        let machine = try MachineProcess(configuration(scratch, HandWrittenGuest.hangs), ServingProgram.jail) { _, _ in
            .end
        }
        defer { machine.close() }
        WorkerThread.start { machine.stop() }
        #expect(machine.run(until: soon()) == .ended(.stopped))
    }

    @Test("A paused machine is saved, continues, and continues again from its snapshot in another process")
    func snapshots() throws {
        let scratch = try TemporaryDirectory()
        var configuration = try configuration(scratch, HandWrittenGuest.counts)
        configuration.vsock = nil
        let heard = Mutex<[[UInt8]]>([])
        let answer: @Sendable ([UInt8], UInt64) -> DoorbellResponse = { message, _ in
            heard.withLock { heard in
                heard.append(message)
                return heard.count == 1 ? .pause : .end
            }
        }
        let path = scratch.path.appending("snapshot")
        let machine = try MachineProcess(configuration, ServingProgram.jail, savingTo: path, doorbell: answer)
        defer { machine.close() }
        try #require(machine.run(until: soon()) == .paused)
        #expect(ProcessView(machine.number).limit("Max file size") != "0 0")
        try machine.save(identity: [1, 2, 3])
        #expect(machine.run(until: soon(), reply: little(9)) == .ended(.finished))
        let snapshot = try SnapshotFile(opening: path)
        #expect(snapshot.identity == [1, 2, 3])
        let restored = try MachineProcess(restoring: snapshot, configuration, ServingProgram.jail, doorbell: answer)
        defer { restored.close() }
        #expect(restored.run(until: soon(), reply: little(7)) == .ended(.finished))
        #expect(heard.withLock { $0 } == [little(41), little(9, 42), little(7, 42)])
    }

    @Test("A machine that is not saved leaves no snapshot file, and an invalid kernel is refused")
    func unsaved() throws {
        let scratch = try TemporaryDirectory()
        var configuration = try configuration(scratch, HandWrittenGuest.rings)
        configuration.vsock = nil
        do {
            let path = scratch.path.appending("none")
            let machine = try MachineProcess(configuration, ServingProgram.jail, savingTo: path) { _, _ in .end }
            machine.close()
        }
        func names() throws -> [String] {
            try Directory(scratch.path).entries().map { String(decoding: $0.name, as: UTF8.self) }.sorted()
        }
        // The thread that receives from the process releases the file a moment after the process has ended.
        for _ in 0..<500 where try names() != ["disk", "kernel"] { usleep(10_000) }
        #expect(try names() == ["disk", "kernel"])
        configuration.kernel = try scratch.write("other", Array("no kernel".utf8))
        #expect(throws: MachineError.self) {
            try MachineProcess(configuration, ServingProgram.jail) { _, _ in .end }
        }
    }

    @Test("A killed process is a failed machine with the reason")
    func killed() throws {
        let scratch = try TemporaryDirectory()
        let machine = try MachineProcess(configuration(scratch, HandWrittenGuest.hangs), ServingProgram.jail) { _, _ in
            .end
        }
        defer { machine.close() }
        // The init of a PID namespace ignores other signals.
        #expect(kill(machine.number, SIGKILL) == 0)
        guard case .ended(.failed(let reason)) = machine.run(until: soon()) else {
            Issue.record("it did not fail")
            return
        }
        #expect(reason.hasPrefix("the machine's process ended"))
    }

    private static let starter = ServingProgram.beside("MachineStart")

    /// Starts a program that runs a machine, by a script with `$0` and `$1`; returns its machine's process.
    private func started(_ script: String, in scratch: TemporaryDirectory) throws -> (
        owner: Program, machine: ProcessView
    ) {
        _ = try scratch.write("kernel", HandWrittenGuest.kernel(HandWrittenGuest.hangs))
        let program = try #require(Self.starter)
        let owner = try Program(["sh", "-ec", script, program.string], in: scratch.path.string)
        func machine() -> ProcessView? {
            guard let text = try? scratch.read("pid") else { return nil }
            let number = Int32(String(decoding: text, as: UTF8.self).split(separator: "\n").first ?? "") ?? 0
            return ProcessView.children(of: number, named: MachineServer.name).first {
                // The guest runs once its processor has a thread.
                $0.threads.count >= 3
            }
        }
        guard ProcessView.wait({ machine() != nil }), let found = machine() else {
            owner.kill()
            throw ProgramFailure(description: "no machine: \(owner.wait().error)")
        }
        return (owner, found)
    }

    @Test(
        "A machine's process ends with the program that started it, also after SIGKILL",
        .enabled(if: starter != nil, "MachineStart is not built"), arguments: [SIGKILL])
    func orphan(signal: Int32) throws {
        let scratch = try TemporaryDirectory()
        let (owner, machine) = try started("echo $$ >pid; exec \"$0\" hold kernel", in: scratch)
        owner.signal(signal)
        _ = owner.wait()
        #expect(ProcessView.wait(seconds: 5) { !machine.isRunning })
    }

    @Test(
        "A user's machine is in the same jail",
        .enabled(if: starter != nil, "MachineStart is not built"),
        .enabled(if: geteuid() == 0, "only root makes users and devices for tests"))
    func user() throws {
        let scratch = try TemporaryDirectory()
        let script = """
            chmod 755 . && mkdir -m 755 dev && touch pid && chmod 666 pid
            exec unshare --mount --propagation private sh -ec '
                mount -t tmpfs -o mode=755 tmpfs dev && mknod -m 666 dev/kvm c 10 232 && mount --bind dev/kvm /dev/kvm
                echo $$ >pid
                exec setpriv --reuid 7654321 --regid 7654321 --clear-groups unshare --user --map-root-user "$0" hold kernel
            ' "$0"
            """
        let (owner, machine) = try started(script, in: scratch)
        let faults = Self.faults(of: machine, scratch)
        owner.kill()
        _ = owner.wait()
        #expect(faults == [])
        #expect(ProcessView.wait(seconds: 5) { !machine.isRunning })
    }

    @Test("Messages survive encoding, and random bytes are refused or decoded without a trap")
    func messages() throws {
        let figures = MachineFigures(
            enteredAt: 1, exits: 2, overheadBytes: 3, pageFaults: 4, diskReads: DiskReads(reads: 5, bytesRead: 6))
        let replies: [MachineReply] = [
            .made, .saved, .console([1, 2]), .figures(figures), .outcome(.paused), .outcome(.ended(.failed("why"))),
            .failed(.host("open", "/x", .permissionDenied)), .failed(.brokenSnapshot("short")),
        ]
        for reply in replies {
            #expect(MachineReply(reply.bytes) == reply)
            #expect(MachineReply(reply.bytes + [0]) == nil)
        }
        #expect(
            MachineReply(MachineReply.failed(.guestFault("a\u{1b}[31mb\u{9b}c\n")).bytes)
                == .failed(.guestFault("a[31mbc")))
        let identity = SpareUser(user: 1, group: 2, emptiesGroups: true)
        let plan = MachinePlan(
            isRestored: true, hasNamespaces: false, identity: identity, optional: [.root, .snapshot],
            isRootMemory: true, memoryBytes: 3, processors: 4, commandLine: [5])
        #expect(MachineRequest(MachineRequest.make(plan).bytes) == .make(plan))
        #expect(plan.number(of: .initramfs) == nil)
        #expect(plan.number(of: .snapshot) == 6)
        let ring = DoorbellRing(time: 1, pageFaults: 2, diskReads: nil, message: [3])
        #expect(DoorbellRing(ring.bytes) == ring)
        var generator = SystemRandomNumberGenerator()
        for count in 0..<2000 {
            let mask: UInt8 = count % 2 == 0 ? 7 : 255
            let bytes = (0..<count % 60).map { _ in UInt8.random(in: 0...255, using: &generator) & mask }
            _ = (MachineReply(bytes), MachineRequest(bytes), DoorbellRing(bytes), DoorbellResponse(bytes))
        }
    }
}

import Glibc
import Harness
import Linux
import Probe
import SystemPackage
import Testing

@testable import ColdStart

/// An image of one static program, and a kernel to boot it; made once for all tests.
struct BootFixture: Sendable {
    let disk: FilePath
    let kernel: Kernel
    let initialProgram: FilePath

    /// The reason why these tests can't run here, or `nil`.
    static let unavailableReason = missing(["qemu-system-x86_64", "mkfs.erofs", "cc"])
    static let compilerObstacle = missing(["cc"])

    private static func missing(_ programs: [String]) -> String? {
        let absent = programs.first { (try? Tool.output(["which", $0], limit: 4_096)) == nil }
        return absent.map { "\($0) is not installed" }
    }

    /// The image's files, in a directory that the next run reuses.
    static let tree = Task {
        let root = cache.appending("tree")
        for path in ["bin", "etc", "srv", "proc", "sys", "dev"] { _ = try Directory.make(root.appending(path)) }
        let sources = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
        let source = sources.appending("fixtures").appending("boot").appending("server.c")
        let program = root.appending("bin").appending("server")
        _ = try Tool.output(["cc", "-static", "-O1", "-o", program.string, source.string], limit: 1 << 16)
        let tree = try Directory(root)
        try tree.replace("etc/passwd", with: Array("root:x:0:0::/root:\nweb:x:1000:1000::/srv:\n".utf8))
        try tree.replace("etc/group", with: Array("root:x:0:\nweb:x:1000:\nextra:x:44:web\n".utf8))
        try tree.replace("bin/closed", with: Array("no program\n".utf8))
        return root
    }

    static let shared = Task {
        let disk = cache.appending("server.erofs")
        _ = try Tool.output(["mkfs.erofs", disk.string, try await tree.value.string], limit: 1 << 20)
        return BootFixture(
            disk: disk, kernel: try await Kernel.locate(cache: cache),
            initialProgram: try InitialProgram.locateForTests())
    }

    private static let cache = FilePath("/var/tmp/thaw-tests")

    /// The kernel of `make kernel`; `nil` if it was not built.
    static let smallKernel: Kernel? = {
        let home = variable("THAW_CACHE") ?? variable("XDG_CACHE_HOME") ?? (variable("HOME") ?? "") + "/.cache"
        return try? Kernel.small(in: FilePath(home).appending("thaw").appending("kernel"))
    }()

    private static func variable(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }

    func engine(
        isDeterministic: Bool = false, kernel: Kernel? = nil, initialProgram: FilePath? = nil
    ) -> QemuEngine {
        QemuEngine(
            disk: disk, kernel: kernel ?? self.kernel, initialProgram: initialProgram ?? self.initialProgram,
            cache: Self.cache,
            isDeterministic: isDeterministic)
    }
}

extension InitialProgram {
    /// Test bundles are in the same directory as the programs of the package.
    static func locateForTests() throws -> FilePath {
        let places = CommandLine.arguments.map { FilePath($0).removingLastComponent().appending("thaw-init") }
        return try places.first { isAccessible($0.string, R_OK) } ?? locate()
    }
}

@Suite(
    "QEMU", .serialized,
    .enabled(if: BootFixture.unavailableReason == nil, Comment(rawValue: BootFixture.unavailableReason ?? "")),
    .timeLimit(.minutes(5)))
struct QemuTests {
    private func measure(
        _ arguments: [String], _ probe: ProbeAction, timeout: Duration = .seconds(20),
        _ change: (inout Scenario) -> Void = { _ in }
    ) async throws -> StartMeasurement {
        var scenario = Scenario(arguments: arguments, probe: probe, memoryBytes: 192 << 20, timeout: timeout)
        change(&scenario)
        return try await BootFixture.shared.value.engine().measure(scenario)
    }

    private func failure(_ arguments: [String], _ probe: ProbeAction, timeout: Duration = .seconds(20)) async
        -> ColdStartError?
    {
        do {
            _ = try await measure(arguments, probe, timeout: timeout)
            return nil
        } catch { return error as? ColdStartError }
    }

    @Test("An HTTP probe gives every phase, and they add up to the time to first request")
    func http() async throws {
        let measurement = try await measure(["server", "serve", "8080", "200", "ready"], .http(port: 8080, path: "/"))
        #expect(measurement.phases.map(\.name) == Phase.PhaseName.allCases.filter { $0 != .restore })
        let sum = measurement.phases.map(\.milliseconds.median).reduce(0, +)
        #expect(abs(sum - measurement.timeToFirstRequest.median) < 0.01)
        #expect(measurement.response == ProbeResponse(status: 200, byteCount: 11))
        #expect((measurement.peakGuestMemoryBytes ?? 0) > 10_000)
        #expect(measurement.console.contains("ready"))
        print(
            "qemu:", measurement.phases.map { "\($0.name) \($0.milliseconds.median)" },
            measurement.accelerationNote ?? "")
    }

    @Test("The entrypoint has the same user, groups, directory and environment as in Docker")
    func surroundings() async throws {
        let measurement = try await measure(["server", "describe", "80"], .http(port: 80, path: "/")) {
            $0.user = "web"
            $0.workingDirectory = "/srv/made"
            $0.hostname = "box"
            $0.environment = ["PATH=/usr/bin:/bin", "GREETING=a b=c"]
        }
        for text in [
            "uid=1000 gid=1000 groups=44,1000, cwd=/srv/made host=box", "env:GREETING=a b=c", "env:HOME=/srv",
            "env:HOSTNAME=box",
            "caps=00000000a80425fb",
        ] {
            #expect(measurement.console.contains(text))
        }
    }

    @Test("After the probe a program gets SIGTERM: one without a handler is a finding, and the other's end is timed")
    func termination() async throws {
        for (verb, ids) in [("serve", ["ignores-sigterm"]), ("polite", [])] {
            let measurement = try await measure(["server", verb, "80", "200"], .tcp(port: 80)) {
                $0.checksTermination = true
            }
            #expect(measurement.findings.map(\.id) == ids)
            #expect((measurement.terminationMilliseconds == nil) == (verb == "serve"))
        }
    }

    @Test("A command and a line of output are probes too")
    func otherProbes() async throws {
        let command = try await measure(["server", "serve", "80", "200"], .exec(["/bin/server", "true"]))
        #expect(command.phases.map(\.name) == [.vmm, .kernel, .`init`, .exec, .firstByte])
        #expect(command.response == nil)
        let line = try await measure(["server", "say", "warming up", "port 8080 open"], .log("port [0-9]+ open$"))
        #expect(line.phases.last?.name == .firstByte)
    }

    @Test("waiting: two measurements have the same figures for each seed, and a sleep is no work")
    func deterministic() async throws {
        func measure(_ arguments: [String], runs: Int) async throws -> WorkSummary {
            let scenario = Scenario(
                arguments: ["server"] + arguments, probe: .tcp(port: 80), memoryBytes: 192 << 20, runs: runs)
            let measurement = try await BootFixture.shared.value.engine(isDeterministic: true).measure(scenario)
            #expect(!measurement.isAccelerated)
            return try #require(measurement.work)
        }
        let first = try await measure(["serve", "80", "200"], runs: 2)
        #expect(try await measure(["serve", "80", "200"], runs: 2) == first)
        print("qemu counted:", first.instructions.samples, "waiting:", first.waiting.samples)
        #expect(first.phases.map(\.name) == [.vmm, .kernel, .`init`, .exec, .listen, .firstByte])
        let late = try await measure(["late", "3", "80", "200"], runs: 1)
        // The other arguments change the initramfs, and with it the kernel's work a little; a sleep is some system calls.
        let total = Double(late.instructions.samples[0]) / Double(first.instructions.samples[0])
        #expect((0.999...1.001).contains(total), "\(late.instructions.samples) \(first.instructions.samples)")
        let program = [late, first].map { $0.phases[4].instructions.samples[0] }
        #expect(program[0] < program[1] + 100_000, "\(program)")
        #expect((2990...3200).contains(late.waiting.samples[0] - first.waiting.samples[0]))
    }

    @Test(
        "A kernel with everything built in serves the same from a virtio disk and from memory, and counts far less",
        .enabled(if: BootFixture.smallKernel != nil, "no small kernel was built; run make kernel"))
    func smallKernel() async throws {
        let kernel = try #require(BootFixture.smallKernel)
        let fixture = try await BootFixture.shared.value
        var kernelTimes: [Double] = []
        for engine in [
            fixture.engine(kernel: kernel), fixture.engine(isDeterministic: true, kernel: kernel),
            fixture.engine(isDeterministic: true),
        ] {
            let measurement = try await engine.measure(
                Scenario(
                    arguments: ["server", "serve", "80", "200", "ready"], probe: .http(port: 80, path: "/"),
                    memoryBytes: 192 << 20))
            #expect(measurement.response == ProbeResponse(status: 200, byteCount: 11))
            let phase = measurement.phases.first { $0.name == .kernel }
            kernelTimes.append(try #require(phase).milliseconds.median)
        }
        print("qemu kernels:", kernelTimes)
        // On the guest's clock, with one nanosecond per instruction, so this is not a measurement of time.
        #expect(kernelTimes[1] * 10 < kernelTimes[2])
    }

    @Test("An entrypoint that ends is reported with its exit status and last line")
    func ended() async {
        #expect(
            await failure(["server", "exit", "3", "no database"], .tcp(port: 80))
                == .ended(how: "ended with status 3", lastLine: "no database"))
    }

    @Test(
        "An entrypoint that cannot run is reported with the reason",
        arguments: [
            ("nothing", "it or its interpreter does not exist"),
            ("/bin/closed", "it is not executable for this user"),
        ])
    func notExecutable(program: String, reason: String) async {
        #expect(await failure([program], .tcp(port: 80)) == .notExecutable(program, reason: reason))
    }

    @Test("A user that the image does not have is refused")
    func unknownUser() async {
        await #expect(throws: ColdStartError.unknownUser("nobody")) {
            try await measure(["server", "true"], .tcp(port: 80)) { $0.user = "nobody" }
        }
    }

    @Test("A service with only error responses, and one that never listens, have different errors")
    func notServing() async {
        let probe = ProbeAction.http(port: 80, path: "/")
        let wait = Duration.seconds(1)
        #expect(
            await failure(["server", "serve", "80", "500"], probe, timeout: wait)
                == .notServing(
                    probe, last: "the last response had status 500: hello thaw", after: wait, lastLine: nil))
        #expect(
            await failure(["server", "say", "waiting for a lock"], probe, timeout: wait)
                == .notServing(probe, last: "nothing listens on port 80", after: wait, lastLine: "waiting for a lock"))
    }

    @Test("A panic of the guest's kernel is reported with its line")
    func panic() async throws {
        // A kernel panics when its init ends, which this one does at once; an image's program can't cause that.
        let program = try await BootFixture.tree.value.appending("bin").appending("server")
        let engine = try await BootFixture.shared.value.engine(initialProgram: program)
        let error = await #expect(throws: ColdStartError.self) {
            try await engine.measure(Scenario(arguments: ["server"], probe: .tcp(port: 80)))
        }
        guard case .panicked(let line) = error else { Issue.record("\(String(describing: error))"); return }
        #expect(line.contains("Kernel panic - not syncing"))
    }

    @Test("An image's root can neither panic the kernel nor change it")
    func kernelSettings() async {
        #expect(
            await failure(["server", "panic"], .tcp(port: 80)) == .ended(how: "ended with status 30", lastLine: nil))
    }

    @Test("QEMU runs without privileges, network and other processes, sees few files, and filters its system calls")
    func jail() async throws {
        let fixture = try await BootFixture.shared.value
        let task = Task {
            try await fixture.engine().measure(
                Scenario(arguments: ["server", "say"], probe: .tcp(port: 80), memoryBytes: 192 << 20))
        }
        let found = await offloaded { () -> ProcessView? in
            func running() -> ProcessView? {
                ProcessView.children(of: getpid(), named: "qemu-system-x86_64").first { $0.status["Seccomp"] == "2" }
            }
            return ProcessView.wait { running() != nil } ? running() : nil
        }
        let view = try #require(found)
        let status = view.status
        let (descriptors, root) = (view.descriptors, view.root)
        #expect(status["NoNewPrivs"] == "1")
        #expect(status["CapEff"] == "0000000000000000")
        #expect(status["CapBnd"] == "0000000000000000")
        #expect(status["Groups"] == "")
        #expect(status["Uid"]?.split(separator: " ").contains("0") == false)
        #expect(status["Gid"]?.split(separator: " ").contains("0") == false)
        #expect(view.shared(["mnt", "net", "pid", "ipc", "uts", "cgroup"]) == [])
        #expect(view.limit("Max core file size") == "0 0")
        #expect(view.limit("Max file size") == "0 0")
        #expect(Set(root).isSuperset(of: ["kernel", "initramfs", "usr", "dev"]))
        #expect(Set(root).isDisjoint(with: ["root", "home", "var", "tmp", "proc", "sys", "run"]))
        // The kernel is open until QEMU has read it.
        let expected = ["pipe:", "anon_inode:", "/kernel", fixture.disk.string]
        #expect(descriptors.filter { link in !expected.contains { link.hasPrefix($0) } } == [])
        task.cancel()
        await #expect(throws: ColdStartError.cancelled) { try await task.value }
        #expect(!view.isRunning)
    }

    @Test("A QEMU that is killed is reported with its signal")
    func killed() async throws {
        let engine = try await BootFixture.shared.value.engine()
        let task = Task {
            try await engine.measure(
                Scenario(arguments: ["server", "say"], probe: .tcp(port: 80), memoryBytes: 192 << 20))
        }
        let killed = await offloaded {
            func running() -> ProcessView? {
                ProcessView.children(of: getpid(), named: "qemu-system-x86_64").first { $0.status["Seccomp"] == "2" }
            }
            return ProcessView.wait { running() != nil } && kill(running()?.number ?? 0, SIGKILL) == 0
        }
        #expect(killed)
        let error = await #expect(throws: ColdStartError.self) { try await task.value }
        #expect("\(String(describing: error))".contains("was killed by signal 9"), "\(String(describing: error))")
    }

    private func offloaded<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            WorkerThread.start { continuation.resume(returning: body()) }
        }
    }

    @Test("Cancelling ends the machine at once")
    func cancel() async throws {
        let fixture = try await BootFixture.shared.value
        let start = ContinuousClock.now
        let task = Task {
            try await fixture.engine().measure(Scenario(arguments: ["server", "say"], probe: .tcp(port: 80)))
        }
        try await Task.sleep(for: .milliseconds(300))
        task.cancel()
        await #expect(throws: ColdStartError.cancelled) { try await task.value }
        #expect(ContinuousClock.now - start < .seconds(10))
    }

    @Test("A disk that holds no image is a failure to mount")
    func noImage() async throws {
        let fixture = try await BootFixture.shared.value
        let engine = QemuEngine(
            disk: fixture.initialProgram, kernel: fixture.kernel, initialProgram: fixture.initialProgram)
        do {
            _ = try await engine.measure(Scenario(arguments: ["server"], probe: .tcp(port: 80)))
            Issue.record("it booted")
        } catch { #expect(error == .guestFailed(stage: "mount", subject: "/dev/vda", reason: "Invalid argument")) }
    }

    @Test("The error for a missing disk has its path")
    func noDisk() async throws {
        let fixture = try await BootFixture.shared.value
        let engine = QemuEngine(disk: "/nowhere/a,b", kernel: fixture.kernel, initialProgram: fixture.initialProgram)
        await #expect(throws: ColdStartError.file("open", "/nowhere/a,b", .noSuchFileOrDirectory)) {
            try await engine.measure(Scenario(arguments: ["server"], probe: .tcp(port: 80)))
        }
    }

    @Test("A kernel without modules and without a driver for the disk is an error of the machine that names the driver")
    func noDriver() async throws {
        let fixture = try await BootFixture.shared.value
        let bare = Kernel(image: fixture.kernel.image, modules: nil, release: fixture.kernel.release)
        let engine = fixture.engine(kernel: bare)
        let error = await #expect(throws: ColdStartError.self) {
            try await engine.measure(Scenario(arguments: ["server"], probe: .tcp(port: 80), memoryBytes: 192 << 20))
        }
        #expect(error == .driverMissing("virtio_blk"))
        #expect(error?.kind == .machine)
    }

    @Test("Files that only their owner may read are passed as copies", arguments: [false, true])
    func closedFiles(isDeterministic: Bool) async throws {
        let fixture = try await BootFixture.shared.value
        let directory = FilePath("/var/tmp/thaw-tests/closed-\(isDeterministic)")
        _ = try Directory.make(directory, mode: 0o700)
        for (path, name) in [(fixture.disk, "disk"), (fixture.kernel.image, "kernel")] {
            _ = try Tool.output(["install", "-m", "600", path.string, directory.appending(name).string], limit: 4_096)
        }
        let kernel = Kernel(
            image: directory.appending("kernel"), modules: fixture.kernel.modules, release: fixture.kernel.release)
        let engine = QemuEngine(
            disk: directory.appending("disk"), kernel: kernel, initialProgram: fixture.initialProgram,
            isDeterministic: isDeterministic)
        let scenario = Scenario(
            arguments: ["server", "serve", "80", "200"], probe: .tcp(port: 80), memoryBytes: 192 << 20)
        #expect(try await engine.measure(scenario).timeToFirstRequest.samples.count == 1)
    }
}

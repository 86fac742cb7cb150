import Guest
import Linux
import Probe
import SystemPackage
import Testing

@testable import ColdStart

/// A guest that sends the messages of a test.
private struct ScriptedGuest {
    var session: GuestSession

    init(_ probe: ProbeAction = .http(port: 80, path: "/")) {
        session = GuestSession(probe: probe, start: 1_000_000_000)
    }

    mutating func say(_ message: Message, at milliseconds: UInt64) {
        session.receive(Frame.encode(message.encode()), at: 1_000_000_000 + milliseconds * 1_000_000)
    }

    mutating func mark(_ mark: Message.Mark, at milliseconds: UInt64, guest: UInt64) {
        say(.mark(mark, GuestTime(nanoseconds: guest * 1_000_000, cycles: guest * 1_000_000 + 250)), at: milliseconds)
    }

    mutating func pass(cpuTimes: [(Message.Mark, UInt64)] = []) {
        mark(.started, at: 1_000, guest: 600)
        mark(.rootMounted, at: 1_100, guest: 700)
        mark(.executed, at: 1_150, guest: 750)
        mark(.listening, at: 1_400, guest: 1_000)
        mark(.firstByte, at: 1_500, guest: 1_100)
        for (mark, microseconds) in cpuTimes { say(.cpuTime(mark, microseconds: microseconds), at: 1_500) }
        say(.attempt(.http(status: 200, byteCount: 42)), at: 1_500)
        say(.peakMemory(4_096), at: 1_500)
        say(.finished(.passed), at: 1_501)
    }
}

@Suite("Sessions")
struct GuestSessionTests {
    @Test("Phases follow each other on the host's clock, the kernel's on its own")
    func phases() throws {
        var script = ScriptedGuest()
        script.pass()
        #expect(script.session.isDone)
        let run = try #require(StartFigures(script.session, by: .host, hasKernel: true))
        #expect(run.phases.map(\.milliseconds) == [400, 600, 100, 50, 250, 100])
        #expect(run.milliseconds == 1_500)
        #expect(run.response == ProbeResponse(status: 200, byteCount: 42))
        #expect(run.work == nil)
    }

    @Test("A guest that ran out of memory is reported, by init or by the kernel's panic with only init left")
    func outOfMemory() {
        var session = GuestSession(probe: .tcp(port: 80), start: 0, memory: 128 << 20)
        for message in [
            Message.exited(.signal(9)), .failed(Message.StartFailure(stage: .memory, errno: 0, subject: [])),
            .finished(.ended),
        ] {
            session.receive(Frame.encode(message.encode()), at: 1)
        }
        #expect(session.failure(timeout: .seconds(1)) == .outOfMemory(MemorySize(128 << 20)))
        #expect("\(session.failure(timeout: .seconds(1)))" == "the program ran out of memory (128 MiB)")
        var panicked = GuestSession(probe: .tcp(port: 80), start: 0)
        panicked.receiveConsole(Array("Kernel panic - not syncing: System is deadlocked on memory\n".utf8))
        #expect(throws: ColdStartError.outOfMemory(nil)) {
            _ = try panicked.result(.closed, by: .host, timeout: .seconds(1), boot: 0)
        }
    }

    /// The end of a machine before the probe passed.
    private static let ends: [(GuestSession.HostStop, EmulatorEnd?, String)] = [
        (
            .closed, EmulatorEnd(exitStatus: .signalled(9), message: nil),
            "QEMU was killed by signal 9 before the probe passed; its last line was: hello"
        ),
        (
            .closed, EmulatorEnd(exitStatus: .exited(1), message: "qemu: no disk"),
            "QEMU ended with status 1 before the probe passed; its last line was: qemu: no disk"
        ),
        (
            .closed, EmulatorEnd(exitStatus: .exited(0), message: nil),
            "the guest switched its machine off, or reset it, before the probe passed; its last line was: hello"
        ),
        (
            .closed, nil,
            "the guest switched its machine off, or reset it, before the probe passed; its last line was: hello"
        ),
        (
            .timedOut, EmulatorEnd(exitStatus: .signalled(9), message: nil, processorTime: .seconds(3)),
            "the guest sent no result within 80 s, in which QEMU used 3 s of processor time; its last event: "
                + "the entrypoint runs; its last line was: hello"
        ),
        (
            .timedOut, nil,
            "the guest sent no result within 80 s; its last event: the entrypoint runs; its last line was: hello"
        ),
    ]

    @Test("The end of a machine before its probe passed has its own sentence for each cause", arguments: ends.indices)
    func machineEnds(row: Int) {
        let (end, emulator, sentence) = Self.ends[row]
        var guest = ScriptedGuest()
        guest.mark(.started, at: 100, guest: 50)
        guest.mark(.executed, at: 200, guest: 150)
        // A kernel prints this line in every machine without PCI.
        guest.session.receiveConsole(Array("hello\n[    0.8] PCI: Fatal: No config space access function found\n".utf8))
        let error = #expect(throws: ColdStartError.self) {
            try guest.session.result(
                end, emulator: emulator, by: .host, timeout: .seconds(60), boot: 0, now: 81_000_000_000)
        }
        #expect(error?.description == sentence)
    }

    @Test("A passed probe without the times before it is an error of the machine, which names the last event")
    func incompleteReport() {
        var guest = ScriptedGuest()
        guest.mark(.started, at: 100, guest: 50)
        guest.mark(.firstByte, at: 200, guest: 150)
        guest.say(.finished(.passed), at: 201)
        let error = #expect(throws: ColdStartError.self) {
            try guest.session.result(.done, by: .host, timeout: .seconds(60), boot: 0)
        }
        #expect(error == .incompleteReport(lastEvent: "the first byte of the response arrived"))
        #expect(error?.kind == .machine)
    }

    /// The last messages of a guest, and the reason that the probe did not pass.
    static let reasons: [([Message], String)] = [
        (
            [.attempt(.refused), .listeners([.init(port: 9, isLoopback: true), .init(port: 7, isLoopback: false)])],
            "nothing listens on port 80, but on 7, 9"
        ), ([.attempt(.refused)], "nothing listens on port 80"),
        ([.attempt(.silent)], "port 80 accepted after 1.4 s, no answer within 4 s"),
        ([.attempt(.unfinishedHead)], "header without end"),
        ([.attempt(.unfinishedBody(status: 200, byteCount: 2048))], "status 200, body without end (2.0kB so far)"),
        (
            [.attempt(.http(status: 500, byteCount: 9)), .excerpt(Array("\u{1B}[1mno\nway".utf8))],
            "the last response had status 500: no"
        ),
        (
            [.attempt(.lacksText(status: 200)), .excerpt(Array("hi".utf8))],
            "the last response had status 200, and lacked the wanted text: hi"
        ),
    ]

    @Test("A diagnosis tells apart what happened", arguments: reasons.indices)
    func diagnoses(row: Int) {
        var guest = ScriptedGuest()
        guest.mark(.listening, at: 1_400, guest: 1_000)
        for message in Self.reasons[row].0 { guest.say(message, at: 5_000) }
        guest.say(.finished(.timedOut), at: 5_000)
        #expect(
            guest.session.failure(timeout: .seconds(4))
                == .notServing(
                    .http(port: 80, path: "/"), last: Self.reasons[row].1, after: .seconds(4), lastLine: nil))
    }

    @Test("A server that only the loopback address reaches is a finding")
    func loopbackOnly() {
        for (listeners, count): ([Message.Listener], Int) in [
            ([.init(port: 80, isLoopback: true), .init(port: 81, isLoopback: false)], 1),
            ([.init(port: 80, isLoopback: true), .init(port: 80, isLoopback: false)], 0), ([], 0),
        ] {
            var guest = ScriptedGuest()
            guest.say(.listeners(listeners), at: 1)
            #expect(
                StartFinding.all(guest.session, []).map(\.id) == [String](repeating: "loopback-only", count: count))
        }
    }

    @Test(
        "A program that SIGTERM does not end is a finding, and the time of an end is a figure",
        arguments: [
            (.unhandled, ["ignores-sigterm"], nil), (.running(milliseconds: 10_000), ["ignores-sigterm"], nil),
            (.ended(milliseconds: 12), [], 12),
        ] as [(Message.Termination, [String], Double?)])
    func termination(reaction: Message.Termination, ids: [String], time: Double?) throws {
        var guest = ScriptedGuest()
        guest.say(.termination(reaction), at: 0)
        guest.pass()
        let run = try #require(StartFigures(guest.session, by: .host, hasKernel: true))
        #expect(run.findings.map(\.id).filter { $0 != "late-response" } == ids)
        #expect(run.terminationMilliseconds == time)
    }

    @Test(
        "A port that opens long before the first good response is a finding from a quarter of the start on",
        arguments: [(150.0, 300.0, true), (150, 500, false), (99, 10, false), (100, 250, true)])
    func lateResponse(wait: Double, before: Double, isFound: Bool) {
        let finding = StartFinding(
            lateResponseOn: 80, [(.kernel, 900), (.exec, 10), (.listen, before), (.firstByte, wait)])
        #expect((finding?.id == "late-response") == isFound)
        #expect(StartFinding(lateResponseOn: 80, [(.exec, 10), (.firstByte, wait)]) == nil)
    }

    @Test("daemonise: an entrypoint that ends after the probe has passed is a failure of its own")
    func endedAfterProbe() {
        var guest = ScriptedGuest()
        guest.mark(.firstByte, at: 2, guest: 2)
        guest.say(.exited(.status(0)), at: 3)
        guest.say(.finished(.ended), at: 3)
        #expect(
            "\(guest.session.failure(timeout: .seconds(1)))"
                == "the entrypoint ended with status 0, and a container ends with it")
    }

    @Test("Counted runs use the guest's counter only")
    func counted() throws {
        var script = ScriptedGuest()
        script.pass(cpuTimes: [(.executed, 1_000), (.listening, 101_000), (.firstByte, 121_000)])
        let run = try #require(StartFigures(script.session, by: .instructions, hasKernel: true))
        #expect(run.milliseconds == 1_100.00025)
        #expect(run.phases.map(\.name) == Phase.PhaseName.allCases.filter { $0 != .restore })
        let work = try #require(run.work)
        #expect(
            work.phases.map(\.instructions) == [
                250, 600_000_000, 100_000_000, 50_000_000, 100_000_000, 20_000_000,
            ])
        #expect(work.waiting == [0, 0, 0, 0, 150_000_000, 80_000_000])
        #expect(work.instructions == 870_000_250)
    }

    @Test(
        "Processor times that are missing, shrink, or are longer than a phase give no work",
        arguments: [
            [], [(.executed, 1)], [(.executed, 9), (.listening, 5), (.firstByte, 10)],
            [(.executed, 0), (.listening, 900_000), (.firstByte, 900_001)],
        ] as [[(Message.Mark, UInt64)]])
    func impossibleWork(cpuTimes: [(Message.Mark, UInt64)]) throws {
        var script = ScriptedGuest()
        script.pass(cpuTimes: cpuTimes)
        let run = try #require(StartFigures(script.session, by: .instructions, hasKernel: true))
        #expect(run.work == nil)
    }

    @Test("Missing marks, or marks out of order, give no figures")
    func lying() {
        var script = ScriptedGuest()
        script.pass()
        script.mark(.executed, at: 5_000, guest: 1)
        #expect(StartFigures(script.session, by: .host, hasKernel: true) != nil)  // Messages after the end are ignored.
        var backwards = ScriptedGuest()
        backwards.mark(.started, at: 1_000, guest: 600)
        backwards.mark(.rootMounted, at: 900, guest: 1)
        backwards.mark(.executed, at: 1_000, guest: 1)
        backwards.mark(.firstByte, at: 1_000, guest: 1)
        #expect(StartFigures(backwards.session, by: .host, hasKernel: true) == nil)
        #expect(StartFigures(backwards.session, by: .instructions, hasKernel: true) == nil)
        #expect(StartFigures(ScriptedGuest().session, by: .host, hasKernel: false) == nil)
    }

    @Test("A line matches in any pieces, and not across lines")
    func log() {
        var script = ScriptedGuest(.log("ready on [0-9]+"))
        let clock = GuestTime(nanoseconds: 1, cycles: 1)
        for (piece, isDone) in [("rea\ndy on 8\nre", false), ("ady on", false), (" 80", true)] {
            script.say(.output(.error, clock, Array(piece.utf8)), at: 1)
            #expect(script.session.isDone == isDone)
        }
        #expect(script.session.marks[.firstByte] != nil)
    }

    @Test("A guest cannot keep the host busy with a pattern", .timeLimit(.minutes(1)))
    func hostileLog() {
        var script = ScriptedGuest(.log("(a+)+$"))
        let clock = GuestTime(nanoseconds: 1, cycles: 1)
        for _ in 0..<8 {
            script.say(.output(.error, clock, [UInt8](repeating: 0x61, count: 4_000) + Array("!".utf8)), at: 1)
        }
        #expect(!script.session.isDone)
        script.say(.output(.error, clock, Array("aa".utf8)), at: 2)
        #expect(script.session.isDone)
    }

    @Test("A failure is one sentence without control characters")
    func sentences() {
        var script = ScriptedGuest()
        script.say(
            .output(.error, GuestTime(nanoseconds: 1, cycles: 1), Array("\u{1B}[31mno\u{7} database\r\n\n".utf8)), at: 1
        )
        script.say(.exited(.signal(11)), at: 2)
        script.say(.finished(.ended), at: 2)
        #expect(
            script.session.failure(timeout: .seconds(1)).description
                == "the entrypoint was killed by signal 11 before the probe passed; its last line was: no\\u{7} database"
        )
    }

    @Test("The end of the console is kept for any amount of output")
    func endless() {
        var script = ScriptedGuest()
        for _ in 0..<200 { script.session.receiveConsole([UInt8](repeating: 0x41, count: 10_000)) }
        script.session.receiveConsole(Array("\n[ 1.5] Kernel panic - not syncing: VFS\r\n[ 1.6] CPU: 0".utf8))
        #expect(script.session.console.text.utf8.count <= 65_536)
        #expect(script.session.panic == "[ 1.5] Kernel panic - not syncing: VFS")
    }
}

@Suite("Boot files")
struct BootFilesTests {
    @Test("An initramfs is a newc archive, byte for byte the same each time")
    func initramfs() throws {
        func make() -> [UInt8] {
            var archive = Initramfs()
            archive.addDirectory("dev")
            archive.addCharacterDevice("dev/console", major: 5, minor: 1)
            archive.addFile("init", Array("#!x".utf8), mode: 0o755)
            return archive.finished()
        }
        #expect(make() == make())
        #expect(make().count.isMultiple(of: 4))
        let text = String(decoding: make(), as: UTF8.self)
        #expect(text.hasPrefix("07070100000001000041ED"))
        #expect(text.contains("0000000500000001"))
        #expect(text.contains("init\0\0#!x\0070701"))
    }

    @Test("A module's dependencies are read from its .modinfo")
    func dependencies() {
        let module = Array("depends=no\0xdepends=no\0license=GPL\0depends=virtio,virtio-ring\0name=x\0".utf8)
        #expect(ModuleInformation([0] + module.dropFirst(10)).dependencies == ["virtio", "virtio_ring"])
        #expect(ModuleInformation(Array("\0depends=\0".utf8)).dependencies == [])
        #expect(ModuleInformation([]).dependencies == [])
        #expect(ModuleInformation(Array("\0depends=a,b".utf8)).dependencies == ["a", "b"])
        #expect(ModuleTree.name(of: "kernel/drivers/char/hw_random/virtio-rng.ko.xz") == "virtio_rng")
    }

    @Test("Kernel releases are compared by number, not by letter")
    func releases() {
        let releases = ["6.1.0-56-cloud-amd64", "6.1.0-9-cloud-amd64", "5.10.0-30-cloud-amd64", "6.12.1-1-cloud-amd64"]
        #expect(
            releases.sorted(by: Kernel.isOlder) == [
                "5.10.0-30-cloud-amd64", "6.1.0-9-cloud-amd64", "6.1.0-56-cloud-amd64", "6.12.1-1-cloud-amd64",
            ])
    }

    @Test("QEMU's command line has a filter of system calls, descriptors, and the counter's frequency")
    func commandLine() throws {
        var command = QemuCommand(
            program: "qemu", paths: ("/kernel", "/initramfs", "/disk"), memoryBytes: (100 << 20) + 1, processors: 2,
            acceleration: .emulation(counterFrequency: 2_596_098))
        #expect(command.arguments.contains { $0.hasSuffix("file=/dev/fdset/1") })
        #expect(command.arguments.contains("on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"))
        command.hasFilter = false
        #expect(!command.arguments.contains("-sandbox"))
        #expect(command.arguments.contains("101"))
        #expect(command.kernelArguments.contains("tsc_early_khz=2596098"))
        #expect(command.kernelArguments.contains("cryptomgr.notests"))
        command.acceleration = .kvm
        #expect(!command.kernelArguments.contains { $0.hasPrefix("tsc") })
        command.acceleration = .counted(try DiskMemory(memoryBytes: 129 << 20, diskBytes: (4 << 20) + 1))
        #expect(command.arguments.contains("shift=0,sleep=off"))
        #expect(command.kernelArguments.contains("memmap=6M!96M"))
        #expect(command.arguments.contains("136"))
        #expect(throws: ColdStartError.self) { try DiskMemory(memoryBytes: 2 << 30, diskBytes: (1 << 30) + 1) }
    }
}

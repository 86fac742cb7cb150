import Glibc
import Guest
import Linux
import Support
import Synchronization
import SystemPackage
import Testing

@testable import MicroVM

enum ThisMachine {
    static let hasKVM: Bool = {
        do throws(MachineError) {
            _ = try KVM()
            return true
        } catch { return false }
    }()
}

/// Machines of hand-written guests, which run on any KVM, also on a software KVM.
@Suite(.enabled(if: ThisMachine.hasKVM, "there is no /dev/kvm that this user may open"))
struct MachineTests {
    /// The messages of a guest, and the host's responses.
    private final class Host: Sendable {
        let received = Mutex<[[UInt8]]>([])
        let answers: @Sendable (Int) -> DoorbellResponse

        init(_ answers: @escaping @Sendable (Int) -> DoorbellResponse) { self.answers = answers }

        func ring(_ message: [UInt8], _ time: UInt64) -> DoorbellResponse {
            let number = received.withLock { received in
                received.append(message)
                return received.count
            }
            return answers(number)
        }

        var words: [[UInt8]] { received.withLock { $0 } }
    }

    private func configuration(_ scratch: TemporaryDirectory, _ code: [UInt8], handler: [UInt8] = []) throws
        -> MachineConfiguration
    {
        let kernel = try scratch.write("kernel", HandWrittenGuest.kernel(code, handler: handler))
        return MachineConfiguration(
            kernel: kernel, kernelCache: scratch.path, commandLine: [], initramfs: [], memoryBytes: 16 << 20)
    }

    private func soon(_ seconds: UInt64 = 20) -> UInt64 { monotonicNanoseconds() + seconds * 1_000_000_000 }

    private func little(_ numbers: UInt32...) -> [UInt8] {
        var writer = StateWriter()
        for number in numbers { writer.put(number) }
        return writer.bytes
    }

    @Test("The mailbox's content arrives with the ring")
    func rings() throws {
        let (scratch, host) = (try TemporaryDirectory(), Host { _ in .end })
        let machine = try Machine(configuration(scratch, HandWrittenGuest.rings), doorbell: host.ring)
        let before = monotonicNanoseconds()
        #expect(machine.run(until: soon()) == .ended(.finished))
        #expect(host.words == [Array("hello".utf8)])
        #expect(machine.enteredAt >= before)
        #expect(machine.exitCount >= 1)
    }

    @Test("A machine has a remark if its kernel unpacks itself at every boot, and none otherwise")
    func remark() throws {
        let scratch = try TemporaryDirectory()
        var configuration = try configuration(scratch, HandWrittenGuest.rings)
        #expect(try Machine(configuration) { _, _ in .end }.kernelRemark == nil)
        let packed = BzImageMaker(payload: [0x1f, 0x8b] + [UInt8](repeating: 1, count: 100))
        configuration.kernel = try scratch.write("packed", packed.bytes)
        configuration.memoryBytes = 64 << 20
        let remark = try Machine(configuration) { _, _ in .end }.kernelRemark
        #expect(remark?.hasSuffix("is packed with gzip: it unpacks itself at every boot") == true)
    }

    @Test("A message longer than the mailbox is cut to its size")
    func floods() throws {
        let (scratch, host) = (try TemporaryDirectory(), Host { $0 < 50 ? .proceed() : .end })
        let machine = try Machine(configuration(scratch, HandWrittenGuest.floods), doorbell: host.ring)
        #expect(machine.run(until: soon()) == .ended(.finished))
        #expect(host.words.map(\.count) == [Int](repeating: 65_536, count: 50))
    }

    @Test(
        "A guest resets the machine by the keyboard controller, and by a triple fault",
        arguments: [HandWrittenGuest.resets, HandWrittenGuest.faultsThrice])
    func resets(code: [UInt8]) throws {
        let scratch = try TemporaryDirectory()
        let machine = try Machine(configuration(scratch, code)) { _, _ in .end }
        #expect(machine.run(until: soon()) == .ended(.reset))
    }

    @Test("A guest that hangs is ended at its deadline")
    func hangs() throws {
        let scratch = try TemporaryDirectory()
        let machine = try Machine(configuration(scratch, HandWrittenGuest.hangs)) { _, _ in .end }
        #expect(machine.run(until: monotonicNanoseconds() + 100_000_000) == .ended(.timedOut))
    }

    @Test("A machine that is stopped before it runs, or while it is paused, does not run", arguments: [false, true])
    func stopped(isHeld: Bool) throws {
        let (scratch, host) = (try TemporaryDirectory(), Host { _ in .pause })
        let machine = try Machine(configuration(scratch, HandWrittenGuest.counts), doorbell: host.ring)
        if isHeld { try #require(machine.run(until: soon()) == .paused) }
        machine.stop()
        #expect(machine.run(until: soon()) == .ended(.stopped))
        #expect(host.words.count == (isHeld ? 1 : 0))
    }

    @Test("Processors that the guest doesn't start wait, and end with the machine", arguments: [2, 8])
    func processors(count: Int) throws {
        let (scratch, host) = (try TemporaryDirectory(), Host { _ in .end })
        var configuration = try configuration(scratch, HandWrittenGuest.rings)
        configuration.processors = count
        let machine = try Machine(configuration, doorbell: host.ring)
        #expect(machine.run(until: soon()) == .ended(.finished))
    }

    @Test("Devices respond at their addresses, and unassigned addresses read as zero")
    func registers() throws {
        let (scratch, host) = (try TemporaryDirectory(), Host { _ in .end })
        var configuration = try configuration(scratch, HandWrittenGuest.readsRegisters)
        configuration.root = try scratch.write("disk", [UInt8](repeating: 7, count: 8192))
        let machine = try Machine(configuration, doorbell: host.ring)
        #expect(machine.run(until: soon()) == .ended(.finished))
        // "virt", the ID of a block device, and two unassigned addresses.
        #expect(host.words == [little(0x7472_6976, 2, 0, 0)])
    }

    @Test("A device's event interrupts the guest")
    func interrupts() throws {
        let (scratch, host) = (try TemporaryDirectory(), Host { _ in .end })
        let guest = try configuration(scratch, HandWrittenGuest.isInterrupted, handler: HandWrittenGuest.handler)
        let machine = try Machine(guest, doorbell: host.ring)
        #expect(machine.run(until: soon()) == .ended(.finished))
        #expect(host.words == [Array("irq".utf8)])
    }

    @Test("A paused machine continues in the middle of its store, and reads the reply")
    func holds() throws {
        let (scratch, host) = (try TemporaryDirectory(), Host { $0 == 1 ? .pause : .end })
        let machine = try Machine(configuration(scratch, HandWrittenGuest.counts), doorbell: host.ring)
        #expect(machine.run(until: soon()) == .paused)
        machine.reply(little(7))
        #expect(machine.run(until: soon()) == .ended(.finished))
        #expect(host.words == [little(41), little(7, 42)])
    }

    @Test("A snapshot continues in any number of machines, and the saved machine continues too", arguments: [1, 2])
    func snapshots(processors: Int) throws {
        let scratch = try TemporaryDirectory()
        var configuration = try configuration(scratch, HandWrittenGuest.counts)
        configuration.processors = processors
        configuration.root = try scratch.write("disk", [UInt8](repeating: 7, count: 8192))
        let file = scratch.path.appending("snapshot")
        let host = Host { $0 == 1 ? .pause : .end }
        let machine = try Machine(configuration, doorbell: host.ring)
        try #require(machine.run(until: soon()) == .paused)
        try machine.save(to: file, identity: [1, 2, 3])

        let snapshot = try SnapshotFile(opening: file)
        #expect(snapshot.identity == [1, 2, 3])
        for number in UInt32(100)...102 {
            let other = Host { _ in .end }
            let restored = try Machine(
                restoring: snapshot, configuration, reply: little(number), doorbell: other.ring)
            #expect(restored.run(until: soon()) == .ended(.finished))
            #expect(other.words == [little(number, 42)])
        }
        machine.reply(little(9))
        #expect(machine.run(until: soon()) == .ended(.finished))
        #expect(host.words.last == little(9, 42))
    }

    @Test("A snapshot of a guest's first second continues its time stamp counter", arguments: [1, 2])
    func counts(processors: Int) throws {
        let scratch = try TemporaryDirectory()
        var configuration = try configuration(scratch, HandWrittenGuest.readsCounter)
        configuration.processors = processors
        let file = scratch.path.appending("snapshot")
        let counters = Mutex<[(counter: UInt64, nanoseconds: UInt64)]>([])
        let ring: @Sendable ([UInt8], UInt64) -> DoorbellResponse = { message, nanoseconds in
            var reader = StateReader(message)
            let counter = (try? reader.number(UInt64.self)) ?? 0
            let count = counters.withLock { counters in
                counters.append((counter, nanoseconds))
                return counters.count
            }
            // The thread is confined, and sleeping isn't allowed.
            while count == 2, monotonicNanoseconds() < nanoseconds + 400_000_000 {}
            return count == 2 ? .pause : count == 1 ? .proceed() : .end
        }
        let machine = try Machine(configuration, doorbell: ring)
        try #require(machine.run(until: soon()) == .paused)
        try machine.save(to: file, identity: [])
        machine.reply([])
        #expect(machine.run(until: soon()) == .ended(.finished))
        let restored = try Machine(
            restoring: SnapshotFile(opening: file), configuration, reply: [], doorbell: ring)
        #expect(restored.run(until: soon()) == .ended(.finished))

        let received = counters.withLock { $0 }
        try #require(received.count == 4)
        // The rate, measured in the machine that was not restored.
        let perNanosecond =
            Double(received[2].counter - received[1].counter)
            / Double(received[2].nanoseconds - received[1].nanoseconds)
        #expect(perNanosecond > 0.1)
        #expect(Double(received[3].counter) > Double(received[1].counter) + perNanosecond * 390_000_000)
    }

    @Test("A snapshot of a machine with other devices is refused with the difference")
    func otherShape() throws {
        let scratch = try TemporaryDirectory()
        var configuration = try configuration(scratch, HandWrittenGuest.counts)
        let file = scratch.path.appending("snapshot")
        let machine = try Machine(configuration) { _, _ in .pause }
        try #require(machine.run(until: soon()) == .paused)
        try machine.save(to: file, identity: [])
        machine.stop()
        configuration.root = try scratch.write("disk", [UInt8](repeating: 7, count: 8192))
        let snapshot = try SnapshotFile(opening: file)
        #expect(throws: MachineError.brokenSnapshot("it has 1 devices, this machine has 2")) {
            try Machine(restoring: snapshot, configuration, reply: []) { _, _ in .end }
        }
    }

    @Test("A machine leaves no open descriptors")
    func leavesNothing() throws {
        let scratch = try TemporaryDirectory()
        let host = Host { _ in .end }
        let configuration = try configuration(scratch, HandWrittenGuest.rings)
        func descriptors() throws -> Int { try Directory("/proc/self/fd").entries().count }
        let before = try descriptors()
        let count = 60
        for _ in 0..<count {
            #expect(try Machine(configuration, doorbell: host.ring).run(until: soon()) == .ended(.finished))
        }
        // Threads end a moment after the machine, and other tests open files meanwhile: a leak shows at each machine.
        for _ in 0..<500 where try descriptors() >= before + count { usleep(10_000) }
        #expect(try descriptors() < before + count)
    }

    @Test("An impossible configuration is refused with one sentence", arguments: [0, 9])
    func impossible(processors: Int) throws {
        let scratch = try TemporaryDirectory()
        var configuration = try configuration(scratch, HandWrittenGuest.hangs)
        configuration.processors = processors
        #expect(throws: MachineError.impossible("a machine must have 1 to 8 processors")) {
            try Machine(configuration) { _, _ in .end }
        }
    }
}

/// Damaged and forged snapshots.
@Suite(.enabled(if: ThisMachine.hasKVM, "there is no /dev/kvm that this user may open"))
struct HostileSnapshotTests {
    /// Saves a snapshot of 4 MiB, under the name `good`.
    private func save(in scratch: TemporaryDirectory) throws -> [UInt8] {
        let kernel = try scratch.write("kernel", HandWrittenGuest.kernel(HandWrittenGuest.counts))
        let configuration = MachineConfiguration(
            kernel: kernel, kernelCache: scratch.path, commandLine: [], initramfs: [], memoryBytes: 4 << 20)
        let machine = try Machine(configuration) { _, _ in .pause }
        try #require(machine.run(until: monotonicNanoseconds() + 20_000_000_000) == .paused)
        try machine.save(to: scratch.path.appending("good"), identity: [])
        machine.stop()
        return try scratch.read("good")
    }

    @Test("A truncated or damaged snapshot is refused")
    func damaged() throws {
        let scratch = try TemporaryDirectory()
        let good = try save(in: scratch)
        for length in [0, 7, 23, 24, 1000, 9000, good.count - 4096, good.count - 1] {
            let path = try scratch.write("short", Array(good.prefix(length)))
            #expect(throws: MachineError.self, "\(length) bytes") { _ = try SnapshotFile(opening: path) }
        }
        for offset in [0, 8, 12, 16, 24, 40, 500, 5000] {
            var bytes = good
            bytes[offset] ^= 0x80
            let path = try scratch.write("damaged", bytes)
            #expect(throws: MachineError.self, "byte \(offset)") { _ = try SnapshotFile(opening: path) }
        }
    }

    @Test("A snapshot with damaged memory opens at once, and a full read detects the damage")
    func damagedMemory() throws {
        let scratch = try TemporaryDirectory()
        let good = try save(in: scratch)
        try SnapshotFile(opening: scratch.path.appending("good")).expectIntact()
        let memory = good.count - (4 << 20) - Range<UInt64>.mailbox.count
        let pages = stride(from: memory, to: good.count, by: 4096)
        let full = try #require(pages.first { good[$0..<$0 + 4096].contains { $0 != 0 } })
        let empty = try #require(pages.first { good[$0..<$0 + 4096].allSatisfy { $0 == 0 } })
        func expectDamaged(_ change: (inout [UInt8]) -> Void) throws {
            var bytes = good
            change(&bytes)
            let snapshot = try SnapshotFile(opening: try scratch.write("damaged", bytes))
            #expect(throws: MachineError.brokenSnapshot("its memory is damaged")) { try snapshot.expectIntact() }
        }
        try expectDamaged { $0[full] ^= 1 }
        try expectDamaged { $0[full + 7] ^= 0x80 }
        try expectDamaged { bytes in for place in [7, 15] { bytes[full + place] ^= 0x80 } }
        try expectDamaged { $0[empty + 4095] = 1 }
        try expectDamaged { $0[$0.count - 1] ^= 1 }
        try expectDamaged { $0.replaceSubrange(full..<full + 4096, with: repeatElement(0, count: 4096)) }
        try expectDamaged { bytes in
            bytes.replaceSubrange(empty..<empty + 4096, with: good[full..<full + 4096])
            bytes.replaceSubrange(full..<full + 4096, with: good[empty..<empty + 4096])
        }
    }

    @Test(
        "A snapshot whose memory has another size than declared is refused before it is mapped",
        arguments: [0, 4096, 4097, (4 << 20) - 4096, (4 << 20) + 4096, 1 << 40, .max, .max - 4095] as [UInt64])
    func otherMemory(memoryBytes: UInt64) throws {
        let scratch = try TemporaryDirectory()
        var bytes = try save(in: scratch)
        var said = StateWriter()
        said.put(memoryBytes)
        // Behind the header, and the length of an empty identity.
        bytes.replaceSubrange(36..<44, with: said.bytes)
        var header = StateReader(Array(bytes[12..<16]))
        let length = Int(try header.number(UInt32.self))
        var sum = StateWriter()
        sum.put(
            bytes[24..<32 + length].reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
        bytes.replaceSubrange(16..<24, with: sum.bytes)
        let path = try scratch.write("other", bytes)
        do throws(MachineError) {
            _ = try SnapshotFile(opening: path)
            Issue.record("it was taken")
        } catch {
            #expect(error.description.contains("bytes"), "\(error)")
            #expect(!error.description.contains("damaged"), "\(error)")
        }
    }

    @Test("A snapshot whose length changed since it was opened is not mapped", arguments: [4096, -4096])
    func changedLength(difference: Int) throws {
        let scratch = try TemporaryDirectory()
        let count = try save(in: scratch).count
        let path = scratch.path.appending("good")
        let snapshot = try SnapshotFile(opening: path)
        try #require(unsafe truncate(path.string, count + difference) == 0)
        #expect(throws: MachineError.brokenSnapshot("its length has changed")) { _ = try snapshot.map() }
    }

    @Test("Random state is an error, and never a trap")
    func madeUp() throws {
        var generator = SplitMix(seed: 6)
        for _ in 0..<2_000 {
            let count = Int.random(in: 0...400, using: &generator)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) & (count % 2 == 0 ? 3 : 255)
            }
            #expect(throws: MachineError.self) { _ = try MachineState(bytes) }
        }
    }
}

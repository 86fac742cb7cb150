import Glibc
import Linux
import Support
import Synchronization
import Testing

@testable import MicroVM

/// A violation of the virtqueue rules, and its fault.
struct HostileRing: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let fault: QueueFault
    var features: UInt64 = .max
    let build: @Sendable (DiskFixture) throws -> Void

    init(
        _ name: String, _ fault: QueueFault, features: UInt64 = .max,
        _ build: @escaping @Sendable (DiskFixture) throws -> Void
    ) {
        (testDescription, self.fault, self.features, self.build) = (name, fault, features, build)
    }

    /// Offers one descriptor at index 0.
    static func single(_ address: UInt64, _ count: UInt32, flags: UInt16 = 0) -> @Sendable (DiskFixture) throws -> Void
    {
        { fixture in
            try fixture.driver.setDescriptor(0, 0, .init(address: address, byteCount: count), flags: flags, next: 1)
            try fixture.driver.offer(0, 0)
        }
    }

    /// Offers an indirect table with these flags and next fields, and valid buffers.
    static func table(_ rows: [(flags: UInt16, next: UInt16)]) -> @Sendable (DiskFixture) throws -> Void {
        { fixture in
            let driver = fixture.driver
            let table = driver.room(16 * rows.count)
            for (index, row) in rows.enumerated() {
                let place = table + 16 * UInt64(index)
                try driver.setDescriptor(at: place, driver.writable(16), flags: row.flags, next: row.next)
            }
            try single(table, UInt32(16 * rows.count), flags: 4)(fixture)
        }
    }

    static let all: [HostileRing] = [
        .init("more requests than places", .availableIndex(65)) { fixture in
            try fixture.driver.memory.store(UInt16(65), at: fixture.driver.available(0) + 2)
        },
        .init("an index that goes back", .availableIndex(0)) { fixture in
            try fixture.driver.add(0, fixture.request(0, 0, in: 512).buffers)
            fixture.driver.run(0)
            _ = try fixture.driver.answers(0)
            try fixture.driver.memory.store(UInt16(0), at: fixture.driver.available(0) + 2)
        },
        .init("a head beyond the table", .descriptorIndex(64)) { try $0.driver.offer(0, 64) },
        .init("a next beyond the table", .descriptorIndex(64)) { fixture in
            try fixture.driver.setDescriptor(0, 0, fixture.driver.writable(16), flags: 1, next: 64)
            try fixture.driver.offer(0, 0)
        },
        .init("a descriptor that follows itself", .endlessChain) { fixture in
            try fixture.driver.setDescriptor(0, 0, fixture.driver.writable(16), flags: 1, next: 0)
            try fixture.driver.offer(0, 0)
        },
        .init("a loop of two", .endlessChain) { fixture in
            try fixture.driver.setDescriptor(0, 0, fixture.driver.writable(16), flags: 1, next: 1)
            try fixture.driver.setDescriptor(0, 1, fixture.driver.writable(16), flags: 1, next: 0)
            try fixture.driver.offer(0, 0)
        },
        .init("a buffer of zero bytes", .emptyBuffer, single(0x10_0000, 0)),
        .init("a buffer beyond memory", .buffer(.init(address: 16 << 20, byteCount: 16)), single(16 << 20, 16)),
        .init("a buffer over the end", .buffer(.init(address: 0xFF_FFFF, byteCount: 2)), single(0xFF_FFFF, 2)),
        .init("a buffer that wraps", .buffer(.init(address: .max - 7, byteCount: 16)), single(.max - 7, 16)),
        .init("a buffer of 4 GiB", .buffer(.init(address: 0, byteCount: 0xFFFF_FFFF)), single(0, .max)),
        .init("a readable buffer after a writable one", .order) { fixture in
            let bytes = try fixture.driver.readable([1])
            try fixture.driver.add(0, [fixture.driver.writable(16), bytes])
        },
        .init("an indirect table that was not negotiated", .indirect, features: 0, table([(2, 0)])),
        .init("a table in a table", .indirect, table([(4, 0)])),
        .init("a table with a successor", .indirect, single(0x10_0000, 16, flags: 5)),
        .init("an empty table", .indirect, single(0x10_0000, 0, flags: 4)),
        .init("a table and a half", .indirect, single(0x10_0000, 24, flags: 4)),
        .init("a table longer than any queue", .indirect, single(0x10_0000, 16 * 257, flags: 4)),
        .init(
            "a table beyond memory", .buffer(.init(address: 16 << 20, byteCount: 16)), single(16 << 20, 16, flags: 4)),
        .init("a next beyond an indirect table", .descriptorIndex(2), table([(1, 1), (1, 2)])),
        .init("a loop in an indirect table", .endlessChain, table([(1, 1), (1, 0)])),
        .init("a request without a header", .request("a disk request has a truncated header"), single(0x10_0000, 15)),
        .init(
            "a request without a status", .request("a disk request has no status byte"),
            single(0x10_0000, 16)),
    ]
}

@Suite struct VirtioQueueTests {
    @Test(
        "A driver that breaks the rules stops its device, which sets its status and works again after a reset",
        arguments: HostileRing.all)
    func hostile(ring: HostileRing) throws {
        let fixture = try DiskFixture(features: ring.features)
        let driver = fixture.driver
        try ring.build(fixture)
        _ = driver.interrupts()
        driver.write(0x64, 1)
        driver.run(0)
        #expect(driver.transport.fault == ring.fault)
        #expect(driver.status == 15 | 64)
        #expect(driver.interrupts() == 1)
        #expect(driver.read(0x60) == 2)
        #expect(try driver.answers(0) == [])
        driver.run(0)
        #expect(driver.interrupts() == 0)
        driver.start(features: ring.features)
        let request = try fixture.request(0, 5, in: 512)
        try driver.add(0, request.buffers)
        driver.run(0)
        #expect(try fixture.data(request) == Array(DiskFixture.content[2560..<3072]))
    }

    @Test("Chains of 4 GiB, and buffers in the device hole, are refused")
    func huge() throws {
        let memory = try GuestMemory(byteCount: 3 << 30 + 0x1000)
        let fixture = try DiskFixture(memory: memory)
        let half = VirtioDriver.Buffer(address: 0, byteCount: 0x9000_0000)
        try fixture.driver.add(0, [half, half])
        fixture.driver.run(0)
        #expect(fixture.driver.transport.fault == .hugeChain)
        fixture.driver.start()
        try fixture.driver.add(0, [.init(address: 3 << 30 - 1, byteCount: 2)])
        fixture.driver.run(0)
        #expect(fixture.driver.transport.fault == .buffer(.init(address: 3 << 30 - 1, byteCount: 2)))
    }

    @Test("No device writes to memory that is read-only for the guest")
    func readOnlyMemory() throws {
        let ram = try GuestMemory(byteCount: 16 << 20)
        let disk = try GuestMemory(byteCount: 0x1000)
        let regions = unsafe [
            ram.regions[0],
            GuestMemory.Region(start: 1 << 32, byteCount: 0x1000, base: disk.regions[0].base, isReadOnly: true),
        ]
        let memory = BorrowedMemory(regions, keeping: [ram, disk])
        let fixture = try DiskFixture(memory: memory.memory)
        let request = try fixture.request(8, 0, in: 20)
        try fixture.driver.add(
            0, [request.buffers[0], .init(address: 1 << 32, byteCount: 20, isWritten: true), request.buffers[2]])
        fixture.driver.run(0)
        #expect(fixture.driver.transport.fault == .buffer(.init(address: 1 << 32, byteCount: 20)))
        #expect(try disk.bytes(at: 0, count: 20) == [UInt8](repeating: 0, count: 20))
    }

    @Test("Indices wrap around after 65536 requests", arguments: [0, VirtioDriver.eventIndex])
    func wrapAround(features: UInt64) throws {
        let fixture = try DiskFixture(features: features)
        let request = try fixture.request(8, 0, in: 20)
        for _ in 0..<(65_536 / 16 + 3) {
            try fixture.driver.wantInterrupt(0)
            let before = fixture.driver.added[0]
            for _ in 0..<16 { try fixture.driver.add(0, request.buffers) }
            #expect(try fixture.driver.wantsKick(0, since: before))
            fixture.driver.run(0)
            #expect(try fixture.driver.answers(0).count == 16)
            #expect(fixture.driver.interrupts() == 1)
        }
    }

    @Test("Descriptors that change while the device works neither trap nor hang it")
    func flips() throws {
        let fixture = try DiskFixture(isReadOnly: false)
        let driver = fixture.driver
        let memory = driver.memory
        let flipper = Flipper(memory, driver.descriptors(0), driver.available(0))
        let clock = ContinuousClock()
        let end = clock.now + .milliseconds(400)
        flipper.start(isDone: { clock.now >= end })
        var (rounds, faults) = (0, 0)
        while clock.now < end {
            driver.start()
            for _ in 0..<8 { try driver.add(0, fixture.request(UInt32(rounds & 1), 0, in: 512).buffers) }
            driver.kick(0)
            for _ in 0..<50 where driver.loop.turn(milliseconds: 0) {}
            rounds += 1
            faults += driver.needsReset ? 1 : 0
            driver.rewind()
        }
        flipper.wait()
        #expect(rounds > 10 && faults > 0)
        driver.start()
        let request = try fixture.request(0, 0, in: 512)
        try driver.add(0, request.buffers)
        driver.run(0)
        #expect(try fixture.status(request) == 0)
    }

    @Test("A queue full of long requests takes several passes, so that others run in between")
    func longRequests() throws {
        let fixture = try DiskFixture()
        let long = VirtioDriver.Buffer(address: 0, byteCount: 15 << 20, isWritten: true)
        let request = try fixture.request(0, 0)
        for _ in 0..<20 {
            try fixture.driver.addIndirect(0, [request.buffers[0], long, request.buffers[1]])
        }
        fixture.driver.kick(0)
        fixture.driver.loop.turn(milliseconds: 0)
        #expect(try fixture.driver.answers(0).count == 2)
        fixture.driver.settle()
        #expect(try fixture.driver.answers(0).count == 18)
    }

    @Test("A queue that is refilled with every completion doesn't starve other devices")
    func refills() throws {
        let device = RefilledDevice()
        let driver = try VirtioDriver(device)
        let entropy = try VirtioDriver(EntropyDevice(), loop: driver.loop)
        for driver in [driver, entropy] {
            driver.start()
            driver.settle()
        }
        // The refilling ends, but only after far more requests than one pass may handle.
        device.refill = { if device.answered < 10_000 { try? driver.offer(0, 0) } }
        try driver.add(0, [driver.writable(64)])
        try entropy.add(0, [entropy.writable(64)])
        for driver in [driver, entropy] { driver.kick(0) }
        for turn in 1...3 {
            driver.loop.turn(milliseconds: 0)
            #expect(device.answered == turn * Int(driver.sizes[0]))
        }
        #expect(try entropy.answers(0).count == 1)
    }

    @Test("A reset is possible at any time, with requests in flight")
    func resets() throws {
        let fixture = try DiskFixture()
        let driver = fixture.driver
        let loop = driver.loop
        WorkerThread.start { loop.run() }
        for _ in 0..<500 {
            for _ in 0..<16 { try driver.add(0, fixture.request(0, 0, in: 8192).buffers) }
            driver.kick(0)
            driver.write(0x70, 0)
            driver.rewind()
            driver.start()
        }
        let request = try fixture.request(0, 9, in: 512)
        try driver.add(0, request.buffers)
        driver.kick(0)
        while try driver.answers(0).isEmpty { sched_yield() }
        #expect(try fixture.data(request) == Array(DiskFixture.content[4608..<5120]))
        loop.stop()
    }
}

/// Memory over mappings that other objects own.
private struct BorrowedMemory {
    let memory: GuestMemory
    private let owners: [GuestMemory]

    init(_ regions: [GuestMemory.Region], keeping owners: [GuestMemory]) {
        memory = GuestMemory(adopting: regions)
        self.owners = owners
        // Leaked on purpose: otherwise both objects would unmap the regions.
        _ = unsafe Unmanaged.passRetained(memory)
    }
}

/// A device whose guest always has one more request.
private final class RefilledDevice: VirtioDevice {
    private var port: VirtioContext?
    private(set) var answered = 0
    var refill: () -> Void = {}

    var deviceID: UInt32 { 4 }
    var features: UInt64 { 0 }
    var queueSizes: [UInt16] { [64] }
    var configuration: [UInt8] { [] }

    func activate(_ port: VirtioContext) { self.port = port }
    func reset() { port = nil }
    func save() -> [UInt8] { [] }
    func restore(_ state: [UInt8]) {}

    func process(queue: Int) throws(QueueFault) {
        guard let port else { return }
        let isBusy = try port.queues[queue].drain { _ in
            answered += 1
            refill()
            return 0
        }
        if isBusy { port.again(queue) }
    }
}

/// A thread that writes random values into a queue.
private final class Flipper: Sendable {
    private let memory: GuestMemory
    private let descriptors: UInt64
    private let available: UInt64
    private let hasEnded = Atomic(false)

    init(_ memory: GuestMemory, _ descriptors: UInt64, _ available: UInt64) {
        (self.memory, self.descriptors, self.available) = (memory, descriptors, available)
    }

    func start(isDone: @escaping @Sendable () -> Bool) {
        WorkerThread.start {
            var random = SplitMix(seed: 6)
            while !isDone() {
                for _ in 0..<64 { self.flip(&random) }
            }
            self.hasEnded.store(true, ordering: .releasing)
        }
    }

    func wait() {
        while !hasEnded.load(ordering: .acquiring) { sched_yield() }
    }

    private func flip(_ random: inout SplitMix) {
        let place = descriptors + 16 * random.next(below: 64)
        switch random.next(below: 8) {
        case 0: try? memory.store(random.next() >> (random.next(below: 2) * 40), at: place)
        case 1: try? memory.store(UInt32(truncatingIfNeeded: random.next() >> random.next(below: 33)), at: place + 8)
        case 2, 3: try? memory.store(UInt16(random.next(below: 8)), at: place + 12)
        case 4: try? memory.store(UInt16(random.next(below: 70)), at: place + 14)
        case 5: try? memory.store(UInt32(1), at: place + 8)
        case 6: try? memory.store(UInt32(512), at: place + 8)
        default:
            if random.next(below: 64) == 0 {
                try? memory.store(UInt16(random.next(below: 80)), at: available + 2)
            }
        }
    }
}

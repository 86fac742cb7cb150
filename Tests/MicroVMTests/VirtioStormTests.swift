import Glibc
import Linux
import Support
import SystemPackage
import Testing

@testable import MicroVM

/// Random rings that are mostly valid, for every device.
@Suite struct VirtioStormTests {
    private static let byteCount = 0x4_0000
    private static let buffers: UInt64 = 0x2_0000

    enum Kind: CaseIterable { case disk, scratch, entropy, network, sockets }

    /// A device and the objects that it needs.
    private struct DeviceFixture {
        let device: any VirtioDevice
        var peer: VsockGuest.Peer?
        var directory: SocketDirectory?
    }

    private static func fixture(_ kind: Kind) throws -> DeviceFixture {
        switch kind {
        case .disk, .scratch:
            let file = try temporaryFile(DiskFixture.content)
            let count = UInt64(DiskFixture.content.count)
            return DeviceFixture(
                device: try BlockDevice(file, byteCount: count, isReadOnly: kind == .disk, name: "storm"))
        case .entropy: return DeviceFixture(device: EntropyDevice())
        case .network:
            var ends: [Int32] = [0, 0]
            #expect(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
            let card = try NetworkDevice(socket: OwnedDescriptor(owning: ends[0]), mac: [2, 0, 0, 0, 0, 1])
            return DeviceFixture(device: card, peer: .init(OwnedDescriptor(owning: ends[1])))
        case .sockets:
            let directory = try SocketDirectory()
            return DeviceFixture(device: try VsockDevice(path: directory.path.appending("v")), directory: directory)
        }
    }

    @Test("A device writes only used rings and writable buffers, for any ring", arguments: Kind.allCases)
    func storm(kind: Kind) throws {
        var random = SplitMix(seed: UInt64(Kind.allCases.firstIndex(of: kind) ?? 0) + 1)
        let fixture = try VirtioStormTests.fixture(kind)
        let memory = try GuestMemory(byteCount: UInt64(VirtioStormTests.byteCount))
        let driver = try VirtioDriver(fixture.device, memory: memory)
        var (faults, answers) = (0, 0)
        for round in 0..<1500 {
            driver.sizes = fixture.device.queueSizes.map { _ in 1 << UInt16(random.next(below: 5)) }
            driver.start(features: random.next())
            driver.settle()
            var storm = Storm(driver, random)
            for queue in driver.sizes.indices { try storm.fill(queue, kind) }
            random = storm.random
            if let peer = fixture.peer { feed(peer, &random) }
            let before = try memory.bytes(at: 0, count: VirtioStormTests.byteCount)
            for queue in driver.sizes.indices.shuffled(using: &random) { driver.kick(queue) }
            driver.settle()
            let after = try memory.bytes(at: 0, count: VirtioStormTests.byteCount)
            storm.forgive(try Answers(driver))
            let changed = zip(before, after).enumerated().first {
                $0.element.0 != $0.element.1 && !storm.mayChange[$0.offset]
            }
            #expect(changed == nil, "round \(round), byte \(changed?.offset ?? 0)")
            for queue in driver.sizes.indices {
                let used = try memory.load(UInt16.self, at: driver.used(queue) + 2)
                #expect(used <= driver.added[queue] || storm.isBent, "round \(round), queue \(queue)")
                answers += Int(used)
            }
            faults += driver.needsReset ? 1 : 0
        }
        // A mix of faults and answers, or the test would show nothing.
        #expect(faults > 100 && faults < 1400 && answers > 500, "\(faults) faults, \(answers) answers")
    }

    private func feed(_ peer: VsockGuest.Peer, _ random: inout SplitMix) {
        _ = peer.take()
        for _ in 0..<random.next(below: 4) {
            let count = 14 + Int(random.next(below: 200))
            peer.put([0, 0, 0, UInt8(truncatingIfNeeded: count)] + [UInt8](repeating: 1, count: count & 255))
        }
    }
}

/// The ranges of all used rings, which a device may write.
private struct Answers {
    let ranges: [Range<Int>]

    init(_ driver: VirtioDriver) throws {
        ranges = driver.sizes.indices.map { queue in
            let start = Int(driver.used(queue))
            return start..<start + 4 + 8 * Int(driver.sizes[queue]) + 2
        }
    }
}

/// One round's rings.
private struct Storm {
    private let driver: VirtioDriver
    var random: SplitMix
    /// True for each byte that the guest allows the device to write.
    private(set) var mayChange = [Bool](repeating: false, count: 0x4_0000)
    /// True if the available index itself is invalid.
    private(set) var isBent = false

    init(_ driver: VirtioDriver, _ random: SplitMix) {
        (self.driver, self.random) = (driver, random)
    }

    mutating func forgive(_ answers: Answers) {
        for range in answers.ranges { for place in range { mayChange[place] = true } }
    }

    private mutating func rarely() -> Bool { random.next(below: 200) == 0 }

    /// Fills the table with chains and offers them; each number is rarely replaced by a random one.
    mutating func fill(_ queue: Int, _ kind: VirtioStormTests.Kind) throws {
        let size = driver.sizes[queue]
        var index: UInt16 = 0
        while index < size {
            let length = min(UInt16(1 + random.next(below: 4)), size - index)
            try chain(queue, index, length, kind)
            index += length
        }
        if rarely() {
            isBent = true
            try driver.memory.store(UInt16(truncatingIfNeeded: random.next()), at: driver.available(queue) + 2)
        }
    }

    private mutating func chain(_ queue: Int, _ first: UInt16, _ length: UInt16, _ kind: VirtioStormTests.Kind) throws {
        let isIndirect = random.next(below: 4) == 0
        let table =
            isIndirect ? 0x2_0000 + random.next(below: 0x100) * 64 : driver.descriptors(queue) + 16 * UInt64(first)
        let written = split(queue, length, kind)
        for offset in 0..<length {
            let isLast = offset + 1 == length
            let next = isIndirect ? offset + 1 : first + offset + 1
            var flags: UInt16 = (isLast ? 0 : 1) | (offset >= written ? 2 : 0)
            if rarely() { flags ^= UInt16(1 << random.next(below: 3)) }
            try descriptor(
                at: table + 16 * UInt64(offset), flags, rarely() ? UInt16(random.next(below: 40)) : next,
                first: offset == 0, kind)
        }
        if isIndirect {
            let whole = VirtioDriver.Buffer(address: table, byteCount: UInt32(16 * length) + (rarely() ? 8 : 0))
            try driver.setDescriptor(queue, first, whole, flags: 4, next: 0)
        }
        try driver.offer(queue, rarely() ? UInt16(random.next(below: 20)) : first)
    }

    /// Returns the first descriptor of a chain that the device writes.
    private mutating func split(_ queue: Int, _ length: UInt16, _ kind: VirtioStormTests.Kind) -> UInt16 {
        if rarely() { return UInt16(random.next(below: 4)) }
        switch kind {
        case .disk, .scratch: return random.next(below: 3) == 0 && length > 1 ? length - 1 : 1
        case .entropy: return 0
        case .network: return queue == 0 ? 0 : length
        case .sockets: return queue == 1 ? length : 0
        }
    }

    private mutating func descriptor(
        at place: UInt64, _ flags: UInt16, _ next: UInt16, first isFirst: Bool, _ kind: VirtioStormTests.Kind
    ) throws {
        var address = 0x2_8000 + random.next(below: 0x1_7000)
        let counts: [UInt64] = [1, 16, 44, 64, 512, 1024, 1526, 2048]
        var count = counts[Int(random.next(below: 8))]
        if isFirst, flags & 2 == 0 { count = try header(at: address, kind) }
        if rarely() { address = random.next() >> random.next(below: 64) }
        if rarely() { count = random.next(below: 3) == 0 ? 0 : random.next() >> random.next(below: 64) }
        let buffer = VirtioDriver.Buffer(address: address, byteCount: UInt32(truncatingIfNeeded: count))
        try driver.setDescriptor(at: place, buffer, flags: flags, next: next)
        guard flags & 2 != 0, address < 0x4_0000 else { return }
        for place in Int(address)..<min(0x4_0000, Int(address) + Int(buffer.byteCount)) { mayChange[place] = true }
    }

    /// Writes the header of a request; returns its size.
    private mutating func header(at address: UInt64, _ kind: VirtioStormTests.Kind) throws -> UInt64 {
        switch kind {
        case .disk, .scratch:
            try driver.memory.store(UInt32([0, 0, 0, 1, 4, 8, 11][Int(random.next(below: 7))]), at: address)
            try driver.memory.store(random.next(below: 70), at: address + 8)
            return 16
        case .network, .entropy: return 12
        case .sockets:
            var header = VsockHeader()
            (header.sourceCID, header.destinationCID) = (3, rarely() ? 9 : 2)
            (header.sourcePort, header.destinationPort) = (UInt32(random.next(below: 4)), UInt32(random.next(below: 3)))
            header.byteCount = UInt32(random.next(below: 100))
            header.operation = UInt16(random.next(below: 9))
            header.bufAlloc = UInt32(random.next(below: 10_000))
            try driver.memory.write(unsafe withUnsafeBytes(of: header) { unsafe Array($0.prefix(44)) }, at: address)
            return 44
        }
    }
}

import Glibc
import Linux

@testable import MicroVM

/// A guest's driver, simulated on a guest's memory: it negotiates features, lays out rings, and makes requests.
///
/// The event loop runs only inside the test's calls, on the test's thread.
final class VirtioDriver {
    /// One descriptor of a request.
    struct Buffer {
        var address: UInt64
        var byteCount: UInt32
        var isWritten = false
    }

    struct Used: Equatable {
        let head: UInt32
        let written: UInt32
    }

    static let eventIndex: UInt64 = 1 << 29
    static let indirect: UInt64 = 1 << 28
    static let version1: UInt64 = 1 << 32

    let memory: GuestMemory
    let loop: EventLoop
    let transport: VirtioTransport
    var sizes: [UInt16]
    private(set) var features: UInt64 = 0
    private(set) var added: [UInt16]
    private(set) var seen: [UInt16]
    private var nextDescriptor: [UInt16]
    private var nextByte: UInt64 = 0x10_0000

    init(_ device: any VirtioDevice, memory: GuestMemory? = nil, loop: EventLoop? = nil, size: UInt16 = 64) throws {
        self.memory = try memory ?? GuestMemory(byteCount: 16 << 20)
        self.loop = try loop ?? EventLoop()
        transport = try VirtioTransport(device: device, memory: self.memory, loop: self.loop)
        sizes = device.queueSizes.map { min($0, size) }
        added = sizes.map { _ in 0 }
        seen = sizes.map { _ in 0 }
        nextDescriptor = sizes.map { _ in 0 }
    }

    // MARK: Registers

    func read(_ offset: UInt64) -> UInt32 {
        var value: UInt32 = 0
        unsafe withUnsafeMutableBytes(of: &value) { unsafe transport.read(offset: offset, into: $0) }
        return value
    }

    func write(_ offset: UInt64, _ value: UInt32) {
        unsafe withUnsafeBytes(of: value) { unsafe transport.write(offset: offset, $0) }
    }

    var status: UInt32 { read(0x70) }
    var needsReset: Bool { status & 64 != 0 }

    /// Goes through all steps to DRIVER_OK.
    func start(features wanted: UInt64 = .max) {
        negotiate(features: wanted)
        for queue in sizes.indices { place(queue) }
        write(0x70, 15)
    }

    /// Goes through the steps to FEATURES_OK.
    func negotiate(features wanted: UInt64 = .max) {
        write(0x70, 0)
        write(0x70, 1)
        write(0x70, 3)
        write(0x14, 0)
        let low = UInt64(read(0x10))
        write(0x14, 1)
        features = (low | UInt64(read(0x10)) << 32) & (wanted | VirtioDriver.version1)
        write(0x24, 0)
        write(0x20, UInt32(truncatingIfNeeded: features))
        write(0x24, 1)
        write(0x20, UInt32(features >> 32))
        write(0x70, 11)
    }

    /// Configures one queue, with its rings all zero.
    func place(_ queue: Int) {
        write(0x30, UInt32(queue))
        write(0x38, UInt32(sizes[queue]))
        for (offset, address) in [(0x80, descriptors(queue)), (0x90, available(queue)), (0xA0, used(queue))] {
            write(UInt64(offset), UInt32(truncatingIfNeeded: address))
            write(UInt64(offset) + 4, UInt32(address >> 32))
        }
        try? memory.write([UInt8](repeating: 0, count: 0x4000), at: descriptors(queue))
        (added[queue], seen[queue], nextDescriptor[queue]) = (0, 0, 0)
        write(0x44, 1)
    }

    // MARK: Rings

    func descriptors(_ queue: Int) -> UInt64 { 0x1_0000 + UInt64(queue) * 0x4000 }
    func available(_ queue: Int) -> UInt64 { descriptors(queue) + 0x2000 }
    func used(_ queue: Int) -> UInt64 { descriptors(queue) + 0x3000 }

    /// Allocates memory.
    func room(_ byteCount: Int) -> UInt64 {
        defer { nextByte += UInt64((byteCount + 63) & ~63) }
        return nextByte
    }

    /// Frees all allocated memory.
    func rewind() { nextByte = 0x10_0000 }

    func readable(_ bytes: [UInt8]) throws -> Buffer {
        let address = room(bytes.count)
        try memory.write(bytes, at: address)
        return Buffer(address: address, byteCount: UInt32(bytes.count))
    }

    func writable(_ byteCount: Int) -> Buffer {
        Buffer(address: room(byteCount), byteCount: UInt32(byteCount), isWritten: true)
    }

    func setDescriptor(_ queue: Int, _ index: UInt16, _ buffer: Buffer, flags: UInt16, next: UInt16) throws {
        try setDescriptor(at: descriptors(queue) + 16 * UInt64(index), buffer, flags: flags, next: next)
    }

    func setDescriptor(at place: UInt64, _ buffer: Buffer, flags: UInt16, next: UInt16) throws {
        try memory.store(buffer.address, at: place)
        try memory.store(buffer.byteCount, at: place + 8)
        try memory.store(flags, at: place + 12)
        try memory.store(next, at: place + 14)
    }

    /// Makes a request of these buffers, without a notification.
    @discardableResult
    func add(_ queue: Int, _ buffers: [Buffer]) throws -> UInt16 {
        let size = sizes[queue]
        let head = nextDescriptor[queue]
        for (offset, buffer) in buffers.enumerated() {
            let index = (head &+ UInt16(offset)) & (size - 1)
            let flags: UInt16 = (offset + 1 < buffers.count ? 1 : 0) | (buffer.isWritten ? 2 : 0)
            try setDescriptor(queue, index, buffer, flags: flags, next: (index + 1) & (size - 1))
        }
        nextDescriptor[queue] = (head &+ UInt16(buffers.count)) & (size - 1)
        try offer(queue, head)
        return head
    }

    /// Makes a request of one indirect table.
    @discardableResult
    func addIndirect(_ queue: Int, _ buffers: [Buffer]) throws -> UInt16 {
        let table = room(16 * buffers.count)
        for (offset, buffer) in buffers.enumerated() {
            let flags: UInt16 = (offset + 1 < buffers.count ? 1 : 0) | (buffer.isWritten ? 2 : 0)
            try setDescriptor(at: table + 16 * UInt64(offset), buffer, flags: flags, next: UInt16(offset) + 1)
        }
        let head = nextDescriptor[queue]
        let whole = Buffer(address: table, byteCount: UInt32(16 * buffers.count))
        try setDescriptor(queue, head, whole, flags: 4, next: 0)
        nextDescriptor[queue] = (head + 1) & (sizes[queue] - 1)
        try offer(queue, head)
        return head
    }

    /// Puts a head into the available ring.
    func offer(_ queue: Int, _ head: UInt16) throws {
        try memory.store(head, at: available(queue) + 4 + 2 * UInt64(added[queue] & (sizes[queue] - 1)))
        added[queue] &+= 1
        try memory.store(added[queue], at: available(queue) + 2)
    }

    /// True if the device requests a notification for the requests added since `before`.
    func wantsKick(_ queue: Int, since before: UInt16) throws -> Bool {
        if features & VirtioDriver.eventIndex == 0 { return try memory.load(UInt16.self, at: used(queue)) & 1 == 0 }
        let event = try memory.load(UInt16.self, at: used(queue) + 4 + 8 * UInt64(sizes[queue]))
        return added[queue] &- event &- 1 < added[queue] &- before
    }

    func kick(_ queue: Int) { write(0x50, UInt32(queue)) }

    /// Runs the device until it has nothing left to do.
    func settle() {
        var turns = 0
        while loop.turn(milliseconds: 0), turns < 10_000 { turns += 1 }
        precondition(turns < 10_000, "the event loop does not become idle")
    }

    /// Notifies a queue, and runs the device.
    func run(_ queue: Int) {
        kick(queue)
        settle()
    }

    /// Returns the new entries of the used ring.
    func answers(_ queue: Int) throws -> [Used] {
        let index = try memory.load(UInt16.self, at: used(queue) + 2)
        var found: [Used] = []
        while seen[queue] != index {
            let place = used(queue) + 4 + 8 * UInt64(seen[queue] & (sizes[queue] - 1))
            found.append(
                Used(
                    head: try memory.load(UInt32.self, at: place),
                    written: try memory.load(UInt32.self, at: place + 4)))
            seen[queue] &+= 1
        }
        return found
    }

    /// With event indices: requests an interrupt for the next used entry.
    func wantInterrupt(_ queue: Int) throws {
        try memory.store(seen[queue], at: available(queue) + 4 + 2 * UInt64(sizes[queue]))
    }

    /// Returns the number of interrupts since the last call.
    func interrupts() -> UInt64 {
        var count: UInt64 = 0
        return unsafe Glibc.read(transport.interrupt, &count, 8) == 8 ? count : 0
    }
}

import Glibc
import Linux
import SystemPackage
import Testing

@testable import MicroVM

/// A disk of 64 sectors with recognizable content, and its driver.
struct DiskFixture {
    static let content = (0..<64 * 512).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 9) }
    let disk: BlockDevice
    let driver: VirtioDriver
    /// A second descriptor for the file.
    let file: Int32

    init(isReadOnly: Bool = true, features: UInt64 = .max, memory: GuestMemory? = nil) throws {
        let owned = try temporaryFile(DiskFixture.content)
        file = dup(owned.rawValue)
        disk = try BlockDevice(
            owned, byteCount: UInt64(DiskFixture.content.count), isReadOnly: isReadOnly, name: "root")
        driver = try VirtioDriver(disk, memory: memory)
        driver.start(features: features)
        driver.settle()
    }

    /// Makes a request: header, data to write, space for data to read, and a status.
    func request(_ operation: UInt32, _ sector: UInt64, out: [UInt8]? = nil, in count: Int = 0) throws -> Request {
        var writer = StateWriter()
        writer.put(operation)
        writer.put(UInt32(0))
        writer.put(sector)
        var buffers = [try driver.readable(writer.bytes)]
        if let out { buffers.append(try driver.readable(out)) }
        let data = driver.writable(max(count, 1))
        if count > 0 { buffers.append(data) }
        let status = driver.writable(1)
        try driver.memory.write([0xFF], at: status.address)
        buffers.append(status)
        return Request(buffers: buffers, data: data.address, count: count, status: status.address)
    }

    struct Request {
        let buffers: [VirtioDriver.Buffer]
        let data: UInt64
        let count: Int
        let status: UInt64
    }

    func status(_ request: Request) throws -> UInt8 { try driver.memory.load(UInt8.self, at: request.status) }
    func data(_ request: Request) throws -> [UInt8] {
        try driver.memory.bytes(at: request.data, count: request.count)
    }
}

/// Makes an anonymous file with this content.
func temporaryFile(_ content: [UInt8]) throws -> OwnedDescriptor {
    var template = Array("/tmp/thaw-virtio-XXXXXX".utf8CString)
    let number = unsafe mkstemp(&template)
    unsafe unlink(template)
    let file = OwnedDescriptor(owning: number)
    try file.write(content)
    return file
}

@Suite struct VirtioBlockTests {
    static let agreements: [UInt64] = [
        0, VirtioDriver.eventIndex, VirtioDriver.indirect, VirtioDriver.eventIndex | VirtioDriver.indirect,
    ]

    @Test("A read returns the file's content, with direct and indirect descriptors", arguments: agreements)
    func reads(features: UInt64) throws {
        let fixture = try DiskFixture(features: features)
        for sector in stride(from: 0, to: 60, by: 4) {
            let request = try fixture.request(0, UInt64(sector), in: 2048)
            if features & VirtioDriver.indirect != 0 {
                try fixture.driver.addIndirect(0, request.buffers)
            } else {
                try fixture.driver.add(0, request.buffers)
            }
            fixture.driver.run(0)
            #expect(try fixture.driver.answers(0).map(\.written) == [2049])
            #expect(try fixture.status(request) == 0)
            #expect(try fixture.data(request) == Array(DiskFixture.content[sector * 512..<sector * 512 + 2048]))
        }
        #expect(fixture.disk.diskReads.reads == 15)
        #expect(fixture.disk.diskReads.bytesRead == 60 * 512)
    }

    @Test("A header may be split, and a status may share the last data buffer")
    func framing() throws {
        let fixture = try DiskFixture()
        let request = try fixture.request(0, 1, in: 512)
        let header = request.buffers[0].address
        let place = fixture.driver.writable(513)
        try fixture.driver.add(
            0,
            [
                .init(address: header, byteCount: 5), .init(address: header + 5, byteCount: 11),
                .init(address: place.address, byteCount: 100, isWritten: true),
                .init(address: place.address + 100, byteCount: 413, isWritten: true),
            ])
        fixture.driver.run(0)
        #expect(try fixture.driver.answers(0).map(\.written) == [513])
        #expect(
            try fixture.driver.memory.bytes(at: place.address, count: 513)
                == Array(DiskFixture.content[512..<1024]) + [0])
    }

    @Test(
        "A failed request gets a status, and the disk continues",
        arguments: [
            (0, 64, 512, 1), (0, 63, 1024, 1), (0, .max, 512, 1), (0, .max / 512, 512, 1), (0, 0, 100, 1),
            (1, 0, 512, 2), (4, 0, 0, 2), (2, 0, 512, 2), (11, 0, 0, 2), (13, 0, 0, 2), (.max, 0, 0, 2),
        ] as [(UInt32, UInt64, Int, UInt8)])
    func refusals(operation: UInt32, sector: UInt64, count: Int, status: UInt8) throws {
        let fixture = try DiskFixture()
        let request = try fixture.request(operation, sector, in: count)
        try fixture.driver.add(0, request.buffers)
        fixture.driver.run(0)
        #expect(try fixture.status(request) == status)
        #expect(try fixture.driver.answers(0).map(\.written) == [count == 0 ? 1 : 0])
        let next = try fixture.request(8, 0, in: 20)
        try fixture.driver.add(0, next.buffers)
        fixture.driver.run(0)
        #expect(try fixture.data(next) == Array("root".utf8) + [UInt8](repeating: 0, count: 16))
        #expect(!fixture.driver.needsReset)
    }

    @Test("A write changes the file, and a read-only disk accepts none", arguments: [false, true])
    func writes(isReadOnly: Bool) throws {
        let fixture = try DiskFixture(isReadOnly: isReadOnly)
        defer { close(fixture.file) }
        let bytes = (0..<1024).map { UInt8(truncatingIfNeeded: $0 ^ 0xA5) }
        let request = try fixture.request(1, 3, out: bytes)
        let flush = try fixture.request(4, 0)
        try fixture.driver.add(0, request.buffers)
        try fixture.driver.add(0, flush.buffers)
        fixture.driver.run(0)
        let content = try OwnedDescriptor(owning: dup(fixture.file)).read(1024, at: 3 * 512)
        #expect(content == (isReadOnly ? Array(DiskFixture.content[1536..<2560]) : bytes))
        #expect(try fixture.status(request) == (isReadOnly ? 2 : 0))
        #expect(try fixture.status(flush) == (isReadOnly ? 2 : 0))
    }

    @Test("The configuration space has the disk's size, block size and segment limit; a feature bit, read-only")
    func configuration() throws {
        let fixture = try DiskFixture()
        #expect(fixture.driver.read(0x100) == 64)
        #expect(fixture.driver.read(0x10C) == 254)
        #expect(fixture.driver.read(0x114) == 512)
        fixture.driver.write(0x14, 0)
        #expect(fixture.driver.read(0x10) == 1 << 28 | 1 << 29 | 1 << 2 | 1 << 5 | 1 << 6)
    }

    @Test("A queue full of requests needs one notification and one interrupt", arguments: agreements)
    func coalescing(features: UInt64) throws {
        let fixture = try DiskFixture(features: features)
        for _ in 0..<4 {
            try fixture.driver.wantInterrupt(0)
            let before = fixture.driver.added[0]
            for sector in 0..<20 { try fixture.driver.add(0, fixture.request(0, UInt64(sector), in: 512).buffers) }
            #expect(try fixture.driver.wantsKick(0, since: before))
            fixture.driver.run(0)
            #expect(try fixture.driver.answers(0).count == 20)
            #expect(fixture.driver.interrupts() == 1)
            #expect(fixture.driver.read(0x60) == 1)
            fixture.driver.write(0x64, 1)
            #expect(fixture.driver.read(0x60) == 0)
        }
    }

    @Test("A guest that suppresses interrupts gets none", arguments: [0, VirtioDriver.eventIndex])
    func quiet(features: UInt64) throws {
        let fixture = try DiskFixture(features: features)
        let driver = fixture.driver
        if features == 0 {
            try driver.memory.store(UInt16(1), at: driver.available(0))
        } else {
            try driver.memory.store(UInt16(5), at: driver.available(0) + 4 + 2 * UInt64(driver.sizes[0]))
        }
        for expected in [0, 0, 0, 0, 0, features == 0 ? 0 : 1, 0] as [UInt64] {
            try driver.add(0, fixture.request(0, 0, in: 512).buffers)
            driver.run(0)
            #expect(driver.interrupts() == expected)
        }
    }

    @Test("A read fails if the file has become shorter")
    func shortened() throws {
        let fixture = try DiskFixture()
        #expect(ftruncate(fixture.file, 1000) == 0)
        let request = try fixture.request(0, 1, in: 512)
        try fixture.driver.add(0, request.buffers)
        fixture.driver.run(0)
        #expect(try fixture.status(request) == 1)
        close(fixture.file)
    }
}

import Glibc
import Testing

@testable import MicroVM

@Suite struct VirtioTransportTests {
    private static func registers() -> VirtioRegisters {
        VirtioRegisters(deviceID: 2, deviceFeatures: 0xFF | VirtioFeature.version1, maxima: [64, 8])
    }

    /// Makes registers after these writes to the status, with all features accepted.
    private static func registers(at status: UInt32) -> VirtioRegisters {
        var registers = registers()
        for step: UInt32 in [1, 3, 11, 15] where step <= status {
            _ = registers.write(0x70, step)
            if step == 3 {
                _ = registers.write(0x24, 1)
                _ = registers.write(0x20, 1)
            }
        }
        return registers
    }

    @Test("A driver moves one step on, resets, or fails the device", arguments: [0, 1, 3, 11, 15] as [UInt32])
    func steps(from status: UInt32) {
        let next: [UInt32: UInt32] = [0: 1, 1: 3, 3: 11, 11: 15]
        for value in 0...255 as ClosedRange<UInt32> {
            var registers = VirtioTransportTests.registers(at: status)
            #expect(registers.status.rawValue == status)
            let effect = registers.write(0x70, value)
            if value == 0 {
                #expect(effect == .reset)
            } else if value & 128 != 0 {
                #expect(effect == .fail && registers.status.rawValue == status | 128)
            } else if next[status] == value {
                #expect(effect == (value == 15 ? .activate : .nothing) && registers.status.rawValue == value)
            } else {
                #expect(effect == .nothing && registers.status.rawValue == status)
            }
        }
    }

    @Test(
        "Features that were not offered, or without VIRTIO_F_VERSION_1, are not accepted",
        arguments: [(0, 0), (0x100, 1), (0, 3), (0, 1), (0xFF, 1)] as [(UInt32, UInt32)])
    func features(low: UInt32, high: UInt32) {
        var registers = VirtioTransportTests.registers(at: 3)
        _ = registers.write(0x24, 1)
        _ = registers.write(0x20, high)
        _ = registers.write(0x24, 0)
        _ = registers.write(0x20, low)
        // A selector that does not exist selects nothing.
        _ = registers.write(0x24, 2)
        _ = registers.write(0x20, .max)
        _ = registers.write(0x70, 11)
        #expect(registers.status.contains(.featuresOK) == (low & ~0xFF == 0 && high == 1))
    }

    @Test(
        "A queue can be configured only between FEATURES_OK and DRIVER_OK, and only while it is not ready",
        arguments: [0, 1, 3, 11, 15] as [UInt32])
    func queueRegisters(status: UInt32) {
        for isReady in [false, true] {
            var registers = VirtioTransportTests.registers(at: 11)
            _ = registers.write(0x44, isReady ? 1 : 0)
            registers.status = DeviceStatus(rawValue: status)
            for offset: UInt64 in [0x38, 0x80, 0x84, 0x90, 0x94, 0xA0, 0xA4] { _ = registers.write(offset, 8) }
            let both: UInt64 = 8 << 32 | 8
            let written = QueueLayout(size: 8, descriptors: both, available: both, used: both)
            #expect(registers.queues[0].layout == (status == 11 && !isReady ? written : QueueLayout()))
        }
    }

    @Test("A queue that does not exist has size 0 and ignores writes", arguments: [2, 3, .max] as [UInt32])
    func missingQueue(index: UInt32) {
        var registers = VirtioTransportTests.registers(at: 11)
        _ = registers.write(0x30, index)
        #expect(registers.read(0x34) == 0)
        for offset: UInt64 in [0x38, 0x44, 0x80, 0x90, 0xA0] { _ = registers.write(offset, 1) }
        #expect(registers.read(0x44) == 0)
        #expect(registers.queues.allSatisfy { !$0.isReady && $0.layout == QueueLayout() })
    }

    @Test("A window has its identity, and unassigned registers read as zero")
    func identity() throws {
        let driver = try VirtioDriver(EntropyDevice())
        #expect([0, 4, 8].map(driver.read) == [0x7472_6976, 2, 4])
        for offset in stride(from: UInt64(0x14), to: 0xFC, by: 4)
        where ![0x34, 0xB0, 0xB4, 0xB8, 0xBC].contains(offset) {
            #expect(driver.read(offset) == 0, "register \(offset)")
        }
        #expect(driver.read(0xB0) == .max)
        #expect(driver.read(0x2000) == 0)
        driver.write(0x2000, 1)
        #expect(driver.read(2) == 0)
    }

    @Test("A guest that acknowledges no interrupt still gets the next one, with the reason set")
    func unacknowledged() throws {
        let driver = try VirtioDriver(EntropyDevice())
        driver.start()
        #expect(driver.read(0x60) == 0)
        for _ in 0..<3 {
            try driver.wantInterrupt(0)
            try driver.add(0, [driver.writable(16)])
            driver.run(0)
            #expect(try driver.answers(0).count == 1)
            #expect(driver.interrupts() == 1)
            #expect(driver.read(0x60) == 1)
        }
        driver.write(0x64, 1)
        #expect(driver.read(0x60) == 0)
    }

    @Test("The page of a window matches its registers after every step")
    func page() throws {
        let fixture = try DiskFixture()
        let driver = fixture.driver
        func expectEqual(_ registers: VirtioRegisters) {
            for offset in stride(from: 0, to: 0x100, by: 4) where offset != 0x60 {
                let word = unsafe driver.transport.window.page.load(fromByteOffset: offset, as: UInt32.self)
                #expect(word == registers.read(UInt64(offset)), "register \(offset)")
            }
            let first = unsafe driver.transport.window.page.load(fromByteOffset: 0x100, as: UInt32.self)
            #expect(first == (registers.status.contains(.driver) ? 64 : 0))
        }
        var model = VirtioRegisters(
            deviceID: 2, deviceFeatures: fixture.disk.features | VirtioFeature.offeredByTransport, maxima: [256])
        let place = driver.descriptors(0)
        let steps: [(UInt64, UInt32)] = [
            (0x70, 0), (0x14, 1), (0x14, 2), (0x14, 0), (0x70, 1), (0x70, 3), (0x24, 1), (0x20, 1), (0x70, 11),
            (0x30, 1), (0x30, 0), (0x38, 8), (0x80, UInt32(place)), (0x90, UInt32(place) + 0x2000),
            (0xA0, UInt32(place) + 0x3000), (0x44, 1), (0x70, 15), (0x70, 128), (0x70, 0),
        ]
        for (offset, value) in steps {
            driver.write(offset, value)
            if model.write(offset, value) == .reset { model.reset() }
            expectEqual(model)
        }
    }

    @Test("Configuration space can be read at any width, ends in zeros, and is readable once there is a driver")
    func configurationSpace() throws {
        let fixture = try DiskFixture()
        var bytes = [UInt8](repeating: 0xFF, count: 8)
        unsafe bytes.withUnsafeMutableBytes { unsafe fixture.driver.transport.read(offset: 0x100, into: $0) }
        #expect(bytes == [64, 0, 0, 0, 0, 0, 0, 0])
        unsafe bytes.withUnsafeMutableBytes {
            unsafe fixture.driver.transport.read(offset: 0x10D, into: .init(rebasing: $0[..<2]))
        }
        #expect(bytes[0] == 0)
        unsafe bytes.withUnsafeMutableBytes { unsafe fixture.driver.transport.read(offset: 0xFFE, into: $0) }
        #expect(bytes == [0, 0, 0, 0, 0, 0, 0, 0])
        fixture.driver.write(0x100, 7)
        #expect(fixture.driver.read(0x100) == 64)
        fixture.driver.write(0x70, 0)
        #expect(fixture.driver.read(0x100) == 0)
        fixture.driver.write(0x70, 1)
        #expect(fixture.driver.read(0x100) == 0)
        fixture.driver.write(0x70, 3)
        #expect(fixture.driver.read(0x100) == 64)
    }

    @Test(
        "Invalid rings stop the device when its driver is ready, until it is reset",
        arguments: [
            (0x38, 0), (0x38, 3), (0x38, 512), (0x38, .max), (0x80, 0x1_0008), (0x80, 0xFFFF_FFF0), (0x84, 1),
            (0x90, 0x1_2001), (0x94, .max), (0xA0, 0x1_3002), (0xA0, 0xFF_FFFC), (0x44, 0),
        ] as [(UInt64, UInt32)])
    func impossibleRings(offset: UInt64, value: UInt32) throws {
        let driver = try VirtioDriver(EntropyDevice())
        driver.negotiate()
        driver.place(0)
        driver.write(0x44, 0)
        driver.write(offset, value)
        if offset != 0x44 { driver.write(0x44, 1) }
        driver.write(0x70, 15)
        #expect(driver.status == 15 | 64)
        #expect(driver.transport.fault == .ring(queue: 0))
        #expect(driver.interrupts() == 1)
        #expect(driver.read(0x60) == 2)
        driver.write(0x70, 15)
        driver.run(0)
        #expect(driver.status == 15 | 64)
        driver.start()
        #expect(driver.status == 15)
        #expect(driver.read(0x60) == 0)
    }

    @Test("Once the driver is ready, writes to queue registers change nothing")
    func frozen() throws {
        let fixture = try DiskFixture()
        for offset: UInt64 in [0x38, 0x44, 0x80, 0x84, 0x90, 0x94, 0xA0, 0xA4] {
            fixture.driver.write(offset, 0x7777_7777)
        }
        let request = try fixture.request(0, 0, in: 512)
        try fixture.driver.add(0, request.buffers)
        fixture.driver.run(0)
        #expect(try fixture.status(request) == 0)
    }

    @Test("Notifications before the driver is ready, and of missing queues, are ignored")
    func strayNotifications() throws {
        let driver = try VirtioDriver(EntropyDevice())
        for queue in [0, 1, 0xFFFF, 0x1_0000] { driver.write(0x50, UInt32(queue)) }
        driver.settle()
        driver.start()
        for queue in [1, 0xFFFF] { driver.write(0x50, UInt32(queue)) }
        driver.settle()
        #expect(driver.status == 15)
    }

    @Test("A paused device does nothing, and handles waiting requests after resume")
    func pause() throws {
        let fixture = try DiskFixture()
        fixture.driver.transport.pause()
        let request = try fixture.request(0, 0, in: 512)
        try fixture.driver.add(0, request.buffers)
        fixture.driver.run(0)
        #expect(try fixture.status(request) == 0xFF)
        fixture.driver.transport.resume()
        fixture.driver.settle()
        #expect(try fixture.status(request) == 0)
    }

    @Test("An event loop calls the handlers of events, on any thread, until it is stopped")
    func eventLoop() throws {
        let loop = try EventLoop()
        var ends: [Int32] = [0, 0]
        #expect(unsafe pipe(&ends) == 0)
        let (reader, writer) = (ends[0], ends[1])
        defer { ends.forEach { close($0) } }
        #expect(unsafe write(writer, "abc", 3) == 3)
        try loop.add(reader, for: .read) { what in
            var byte: UInt8 = 0
            guard what.contains(.read), unsafe read(reader, &byte, 1) == 1 else { return }
            if byte == UInt8(ascii: "c") { loop.stop() }
        }
        #expect(throws: MachineError.self) { try loop.add(reader, for: .read) { _ in } }
        loop.run()
        loop.change(reader, [])
        #expect(unsafe write(writer, "d", 1) == 1)
        #expect(loop.turn(milliseconds: 0))  // its own wake-up
        #expect(!loop.turn(milliseconds: 0))
        loop.change(reader, .read)
        #expect(loop.turn(milliseconds: 0))
        loop.remove(reader)
        #expect(!loop.turn(milliseconds: 0))
    }
}

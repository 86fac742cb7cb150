import Testing

@testable import MicroVM

/// The chip with one guest's accesses.
private final class Port {
    private var serial = Serial()

    func read(_ register: UInt16) -> UInt8 { serial.read(register) }
    func write(_ value: UInt8, to register: UInt16) -> Bool { serial.write(value, to: register) }
    var log: [UInt8] { serial.log }
    var sentCount: UInt64 { serial.sentCount }
}

@Suite struct SerialTests {
    @Test("The guest's output is kept, and the port is always ready")
    func send() {
        let serial = Port()
        for byte in Array("Kernel panic\n".utf8) {
            #expect(serial.read(5) & 0x60 == 0x60)
            #expect(!serial.write(byte, to: 0))
        }
        #expect(serial.log == Array("Kernel panic\n".utf8))
        #expect(serial.sentCount == 13)
    }

    @Test("Only the last 64 KiB are kept")
    func bounded() {
        let serial = Port()
        for number in 0..<200_000 { _ = serial.write(UInt8(truncatingIfNeeded: number / 7), to: 0) }
        #expect(serial.log == (200_000 - 65536..<200_000).map { UInt8(truncatingIfNeeded: $0 / 7) })
        #expect(serial.sentCount == 200_000)
    }

    @Test("Linux detects a 16550A by scratch, interrupt bits, loopback and FIFO")
    func detection() {
        // The steps of autoconfig() in Linux's 8250_port.c.
        let serial = Port()
        let interrupts = serial.read(1)
        _ = serial.write(0, to: 1)
        #expect(serial.read(1) & 0x0f == 0)
        _ = serial.write(0x0f, to: 1)
        #expect(serial.read(1) & 0x0f == 0x0f)
        _ = serial.write(interrupts, to: 1)
        _ = serial.write(0x1a, to: 4)
        #expect(serial.read(6) & 0xf0 == 0x90)
        _ = serial.write(0x08, to: 4)
        for scratch in [0xa5, 0x5a] as [UInt8] {
            _ = serial.write(scratch, to: 7)
            #expect(serial.read(7) == scratch)
        }
        _ = serial.write(1, to: 2)
        #expect(serial.read(2) >> 6 == 3)
        _ = serial.write(0, to: 2)
        #expect(serial.read(2) >> 6 == 0)
        #expect(serial.log.isEmpty)
    }

    @Test("Bit 7 of the line control selects the divisor, and writes to it are not sent")
    func divisor() {
        let serial = Port()
        _ = serial.write(0x83, to: 3)
        _ = serial.write(0x34, to: 0)
        _ = serial.write(0x12, to: 1)
        #expect(serial.read(0) == 0x34 && serial.read(1) == 0x12)
        _ = serial.write(0x03, to: 3)
        #expect(serial.read(0) == 0 && serial.read(1) == 0)
        #expect(serial.log.isEmpty)
    }

    @Test("An interrupt is raised only if it is enabled and connected, and a read clears it")
    func interrupts() {
        let serial = Port()
        #expect(!serial.write(65, to: 0))
        _ = serial.write(8, to: 4)
        #expect(serial.write(2, to: 1))
        #expect(serial.read(2) & 0x0f == 2)
        #expect(serial.read(2) & 0x0f == 1)
        #expect(serial.write(66, to: 0))
        #expect(serial.read(2) & 0x0f == 2)
        _ = serial.write(0, to: 4)
        #expect(!serial.write(67, to: 0))
        _ = serial.write(0, to: 1)
        #expect(!serial.write(68, to: 0))
        #expect(serial.log == Array("ABCD".utf8))
    }

    @Test("Ports beyond the last register are ignored", arguments: [8, 0xffff] as [UInt16])
    func outside(register: UInt16) {
        let serial = Port()
        #expect(!serial.write(0xff, to: register))
        #expect(serial.read(register) == 0)
        #expect(serial.log.isEmpty)
    }
}

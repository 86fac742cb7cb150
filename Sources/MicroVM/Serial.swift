// A serial port at 0x3f8, for a kernel's messages before it ends (16550 data sheet; Linux, 8250_port.c).
//
// ```
// +0  data             +1  interrupt enable (bit 1: ready to send)   +2  which interrupt / FIFO on or off
// +3  line control     +4  modem control     +5  line status          +6  modem status     +7  scratch
// ```

/// A 16550A that only sends: each byte is sent at once, and none is ever received.
///
/// It has no lock of its own: the caller serializes accesses of several processors.
struct Serial {
    /// The first of its 8 ports.
    static let port: UInt16 = 0x3f8
    /// Its input line at the I/O APIC.
    static let interrupt: UInt32 = 4
    /// The number of bytes of output that are kept.
    static let logLimit = 64 << 10

    private var interruptEnable: UInt8 = 0
    private var lineControl: UInt8 = 0
    private var modemControl: UInt8 = 0
    private var scratch: UInt8 = 0
    private var divisor: UInt16 = 12
    private var hasFIFO = false
    /// True if the guest has not read the interrupt "ready to send" yet.
    private var isReadyPending = false
    private var ring: [UInt8] = []
    private var oldest = 0
    /// The number of bytes that the guest has sent since its start.
    private(set) var sentCount: UInt64 = 0

    /// The end of the guest's output.
    var log: [UInt8] { Array(ring[oldest...] + ring[..<oldest]) }

    private enum LineBits {
        static let divisorLatchAccess: UInt8 = 0x80
        /// Everything has been sent.
        static let transmitterEmpty: UInt8 = 0x60
    }
    private enum ModemBits {
        static let loopback: UInt8 = 0x10
        static let out2: UInt8 = 8
    }
    private static let readyToSend: UInt8 = 2

    /// Handles a write to a register, counted from the first port.
    ///
    /// - Returns: true if an edge-triggered interrupt must be raised.
    mutating func write(_ value: UInt8, to register: UInt16) -> Bool {
        let isDivisor = lineControl & LineBits.divisorLatchAccess != 0
        switch register {
        case 0 where isDivisor: divisor = divisor & 0xff00 | UInt16(value)
        case 1 where isDivisor: divisor = divisor & 0x00ff | UInt16(value) << 8
        case 0:
            // In loopback mode nothing is sent.
            if modemControl & ModemBits.loopback == 0 { send(value) }
            return becomesReady()
        case 1:
            let wasWanted = interruptEnable & Self.readyToSend != 0
            interruptEnable = value & 0x0f
            if !wasWanted { return becomesReady() }
        case 2: hasFIFO = value & 1 != 0
        case 3: lineControl = value
        case 4: modemControl = value & 0x1f
        case 7: scratch = value
        default: break
        }
        return false
    }

    /// Handles a read of a register, counted from the first port.
    mutating func read(_ register: UInt16) -> UInt8 {
        let isDivisor = lineControl & LineBits.divisorLatchAccess != 0
        switch register {
        case 0: return isDivisor ? UInt8(truncatingIfNeeded: divisor) : 0
        case 1: return isDivisor ? UInt8(divisor >> 8) : interruptEnable
        case 2: return readInterrupt()
        case 3: return lineControl
        case 4: return modemControl
        case 5: return LineBits.transmitterEmpty
        case 6: return modemStatus
        case 7: return scratch
        default: return 0
        }
    }

    /// The size of ``registers`` in bytes.
    static let registersLength = 6

    /// The registers that the guest has set; setting a value of another size does nothing.
    var registers: [UInt8] {
        get {
            [
                interruptEnable, lineControl, modemControl, scratch, UInt8(truncatingIfNeeded: divisor),
                UInt8(divisor >> 8),
            ]
        }
        set {
            guard newValue.count == Serial.registersLength else { return }
            (interruptEnable, lineControl) = (newValue[0] & 0x0f, newValue[1])
            (modemControl, scratch) = (newValue[2] & 0x1f, newValue[3])
            divisor = UInt16(newValue[4]) | UInt16(newValue[5]) << 8
        }
    }

    private mutating func send(_ byte: UInt8) {
        sentCount &+= 1
        if ring.count < Self.logLimit { return ring.append(byte) }
        ring[oldest] = byte
        oldest = (oldest + 1) % Self.logLimit
    }

    private mutating func becomesReady() -> Bool {
        guard interruptEnable & Self.readyToSend != 0 else { return false }
        isReadyPending = true
        // OUT2 connects the chip to its line.
        return modemControl & ModemBits.out2 != 0
    }

    /// Returns the interrupt identification register; reading it clears the interrupt.
    private mutating func readInterrupt() -> UInt8 {
        defer { isReadyPending = false }
        return (hasFIFO ? 0xc0 : 0) | (isReadyPending ? Self.readyToSend : 1)
    }

    /// The modem status register: in loopback mode it mirrors the guest's own control bits.
    private var modemStatus: UInt8 {
        guard modemControl & ModemBits.loopback != 0 else { return 0xb0 }
        return (modemControl & 0x0c) << 4 | (modemControl & 0x02) << 3 | (modemControl & 0x01) << 5
    }
}

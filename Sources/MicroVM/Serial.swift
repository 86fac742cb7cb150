// A serial port at 0x3f8, for a kernel that has something to say before it dies (16550 data sheet; Linux, 8250_port.c).
//
// ```
// +0  data             +1  interrupts wanted (bit 1: ready to send)   +2  which interrupt / FIFO on or off
// +3  line control     +4  modem control     +5  line status          +6  modem status     +7  scratch
// ```

/// A 16550A that only sends: each byte is sent at once, and none ever arrives.
///
/// It belongs to whoever answers the guest's port accesses; with several processors that one takes a lock.
struct Serial {
    /// The first of its 8 ports.
    static let port: UInt16 = 0x3f8
    /// Its line at the I/O APIC.
    static let interrupt: UInt32 = 4
    /// What a guest can make us keep: its last words.
    static let logLimit = 64 << 10

    private var interruptsWanted: UInt8 = 0
    private var lineControl: UInt8 = 0
    private var modemControl: UInt8 = 0
    private var scratch: UInt8 = 0
    private var divisor: UInt16 = 12
    private var hasFIFO = false
    /// Whether the interrupt "ready to send" has not been seen yet.
    private var isReadyPending = false
    private var ring: [UInt8] = []
    private var oldest = 0
    /// Bytes that the guest has sent since it started.
    private(set) var sentCount: UInt64 = 0

    /// The end of what the guest has sent.
    var log: [UInt8] { Array(ring[oldest...] + ring[..<oldest]) }

    private enum Line {
        static let divisorAccess: UInt8 = 0x80
        /// Everything has been sent.
        static let idle: UInt8 = 0x60
    }
    private enum Modem {
        static let loopback: UInt8 = 0x10
        static let interruptsOn: UInt8 = 8
    }
    private static let readyToSend: UInt8 = 2

    /// The guest writes to one of the ports, counted from the first.
    ///
    /// - Returns: whether its interrupt is to be raised, by an edge.
    mutating func write(_ value: UInt8, to register: UInt16) -> Bool {
        let isDivisor = lineControl & Line.divisorAccess != 0
        switch register {
        case 0 where isDivisor: divisor = divisor & 0xff00 | UInt16(value)
        case 1 where isDivisor: divisor = divisor & 0x00ff | UInt16(value) << 8
        case 0:
            // Nobody listens at the other end of a loop.
            if modemControl & Modem.loopback == 0 { send(value) }
            return becomesReady()
        case 1:
            let wasWanted = interruptsWanted & Self.readyToSend != 0
            interruptsWanted = value & 0x0f
            if !wasWanted { return becomesReady() }
        case 2: hasFIFO = value & 1 != 0
        case 3: lineControl = value
        case 4: modemControl = value & 0x1f
        case 7: scratch = value
        default: break
        }
        return false
    }

    /// The guest reads one of the ports, counted from the first.
    mutating func read(_ register: UInt16) -> UInt8 {
        let isDivisor = lineControl & Line.divisorAccess != 0
        switch register {
        case 0: return isDivisor ? UInt8(truncatingIfNeeded: divisor) : 0
        case 1: return isDivisor ? UInt8(divisor >> 8) : interruptsWanted
        case 2: return readInterrupt()
        case 3: return lineControl
        case 4: return modemControl
        case 5: return Line.idle
        case 6: return modemStatus
        case 7: return scratch
        default: return 0
        }
    }

    /// How many bytes ``registers`` has.
    static let registersLength = 6

    /// What the guest has set; bytes that are not all there set nothing.
    var registers: [UInt8] {
        get {
            [
                interruptsWanted, lineControl, modemControl, scratch, UInt8(truncatingIfNeeded: divisor),
                UInt8(divisor >> 8),
            ]
        }
        set {
            guard newValue.count == Serial.registersLength else { return }
            (interruptsWanted, lineControl) = (newValue[0] & 0x0f, newValue[1])
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
        guard interruptsWanted & Self.readyToSend != 0 else { return false }
        isReadyPending = true
        // OUT2 connects the chip to its line.
        return modemControl & Modem.interruptsOn != 0
    }

    /// Reading names the interrupt and takes it back.
    private mutating func readInterrupt() -> UInt8 {
        defer { isReadyPending = false }
        return (hasFIFO ? 0xc0 : 0) | (isReadyPending ? Self.readyToSend : 1)
    }

    /// Carrier, readiness and clearance; in a loop they are what the guest sets on its own side.
    private var modemStatus: UInt8 {
        guard modemControl & Modem.loopback != 0 else { return 0xb0 }
        return (modemControl & 0x0c) << 4 | (modemControl & 0x02) << 3 | (modemControl & 0x01) << 5
    }
}

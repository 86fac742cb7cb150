// A serial port at 0x3f8, for a kernel's messages before it ends (16550 data sheet; Linux, 8250_port.c).

/// A 16550A that only sends: each byte is sent at once, and none is ever received.
///
/// It has no lock of its own: the caller serializes accesses of several processors.
struct Serial {
    /// The first of its 8 ports.
    static let port: UInt16 = 0x3f8
    static let portCount: UInt8 = 8
    /// Its input line at the I/O APIC.
    static let interrupt: UInt32 = 4
    /// The number of bytes of output that are kept.
    static let logLimit = 64 << 10

    private var interruptEnable: UInt8 = 0
    private var lineControl: UInt8 = 0
    private var modemControl: UInt8 = 0
    private var scratch: UInt8 = 0
    /// The divisor of the clock; 12 is 9,600 baud.
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

    /// Handles a write to a register, counted from the first port.
    ///
    /// - Returns: true if an edge-triggered interrupt must be raised.
    mutating func write(_ value: UInt8, to register: UInt16) -> Bool {
        let isDivisor = lineControl & UART.LCR.dlab != 0
        switch register {
        case UART.Register.dll where isDivisor: divisor = divisor & 0xff00 | UInt16(value)
        case UART.Register.dlm where isDivisor: divisor = divisor & 0x00ff | UInt16(value) << 8
        case UART.Register.data:
            // In loopback mode nothing is sent.
            if modemControl & UART.MCR.loop == 0 { send(value) }
            return becomesReady()
        case UART.Register.ier:
            let wasWanted = interruptEnable & UART.IER.etbei != 0
            interruptEnable = value & UART.IER.implemented
            if !wasWanted { return becomesReady() }
        case UART.Register.iirFCR: hasFIFO = value & UART.FCR.fifoEnable != 0
        case UART.Register.lcr: lineControl = value
        case UART.Register.mcr: modemControl = value & UART.MCR.implemented
        case UART.Register.scr: scratch = value
        default: break
        }
        return false
    }

    /// Handles a read of a register, counted from the first port.
    mutating func read(_ register: UInt16) -> UInt8 {
        let isDivisor = lineControl & UART.LCR.dlab != 0
        switch register {
        case UART.Register.data: return isDivisor ? UInt8(truncatingIfNeeded: divisor) : 0
        case UART.Register.ier: return isDivisor ? UInt8(divisor >> 8) : interruptEnable
        case UART.Register.iirFCR: return readInterrupt()
        case UART.Register.lcr: return lineControl
        case UART.Register.mcr: return modemControl
        // Everything has been sent.
        case UART.Register.lsr: return UART.LSR.thre | UART.LSR.temt
        case UART.Register.msr: return modemStatus
        case UART.Register.scr: return scratch
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
            (interruptEnable, lineControl) = (newValue[0] & UART.IER.implemented, newValue[1])
            (modemControl, scratch) = (newValue[2] & UART.MCR.implemented, newValue[3])
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
        guard interruptEnable & UART.IER.etbei != 0 else { return false }
        isReadyPending = true
        // OUT2 connects the chip to its line.
        return modemControl & UART.MCR.out2 != 0
    }

    /// Returns the interrupt identification register; reading it clears the interrupt.
    private mutating func readInterrupt() -> UInt8 {
        defer { isReadyPending = false }
        return (hasFIFO ? UART.IIR.fifosEnabled : 0)
            | (isReadyPending ? UART.IIR.transmitterEmpty : UART.IIR.noInterrupt)
    }

    /// The modem status register: in loopback mode it mirrors the guest's own control bits.
    private var modemStatus: UInt8 {
        typealias Status = UART.ModemStatus
        guard modemControl & UART.MCR.loop != 0 else { return Status.dcd | Status.dsr | Status.cts }
        let pairs = [
            (UART.MCR.dtr, Status.dsr), (UART.MCR.rts, Status.cts), (UART.MCR.out1, Status.ri),
            (UART.MCR.out2, Status.dcd),
        ]
        return pairs.reduce(0) { modemControl & $1.0 != 0 ? $0 | $1.1 : $0 }
    }
}

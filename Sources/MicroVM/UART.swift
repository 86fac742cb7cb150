/// The registers of a 16550A and their bits (16550 data sheet, table II; Linux, serial_reg.h).
enum UART {
    /// Registers by their port, counted from the first.
    enum Register {
        /// The data: received (RBR) when read, to send (THR) when written.
        static let data: UInt16 = 0
        /// Interrupt enable.
        static let ier: UInt16 = 1
        /// Interrupt identification (IIR) when read, FIFO control (FCR) when written.
        static let iirFCR: UInt16 = 2
        /// Line control.
        static let lcr: UInt16 = 3
        /// Modem control.
        static let mcr: UInt16 = 4
        /// Line status.
        static let lsr: UInt16 = 5
        /// Modem status.
        static let msr: UInt16 = 6
        /// Scratch: kept for the guest.
        static let scr: UInt16 = 7
        // The divisor latch, in place of the data and IER while LCR has DLAB.
        static let dll: UInt16 = 0
        static let dlm: UInt16 = 1
    }

    // The bits of the registers, each named after its register.
    enum IER {
        /// ETBEI: the guest wants an interrupt when it may send.
        static let etbei: UInt8 = 1 << 1
        static let implemented: UInt8 = 0x0f
    }
    enum IIR {
        static let noInterrupt: UInt8 = 1 << 0
        static let transmitterEmpty: UInt8 = 1 << 1
        static let fifosEnabled: UInt8 = 0xc0
    }
    enum FCR {
        static let fifoEnable: UInt8 = 1 << 0
    }
    enum LCR {
        /// Divisor latch access.
        static let dlab: UInt8 = 1 << 7
    }
    enum MCR {
        static let dtr: UInt8 = 1 << 0
        static let rts: UInt8 = 1 << 1
        static let out1: UInt8 = 1 << 2
        /// Connects the chip to its interrupt line.
        static let out2: UInt8 = 1 << 3
        static let loop: UInt8 = 1 << 4
        static let implemented: UInt8 = 0x1f
    }
    enum LSR {
        /// The transmitter's register is empty.
        static let thre: UInt8 = 1 << 5
        /// The transmitter is empty.
        static let temt: UInt8 = 1 << 6
    }
    enum ModemStatus {
        static let cts: UInt8 = 1 << 4
        static let dsr: UInt8 = 1 << 5
        static let ri: UInt8 = 1 << 6
        static let dcd: UInt8 = 1 << 7
    }
}

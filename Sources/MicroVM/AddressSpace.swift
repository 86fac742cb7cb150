internal import CKVM
internal import Guest
internal import Linux
internal import Synchronization

/// The I/O ports of the guest, and its addresses outside of memory.
final class AddressSpace: Sendable {
    private enum Port {
        /// The keyboard controller's command port, through which PCs are reset.
        static let keyboardCommand: UInt16 = 0x64
        /// The PCI configuration ports.
        ///
        /// The first reads back its last write, so that PCI seems to exist; the second reads as all ones, so that it
        /// has no devices. A kernel without PCI creates no pmem disk.
        static let pciAddress: UInt16 = 0xCF8
        static let pciData: ClosedRange<UInt16> = 0xCFC...0xCFF
    }

    /// The keyboard controller's command that pulses the processor's reset line.
    private static let resetCommand: UInt8 = 0xFE

    private let devices: [AttachedDevice]
    private let doorbell: DoorbellDevice
    private let memory: GuestMemory
    private let serial = Mutex(Serial())
    /// An event counter; a write to it raises the serial port's interrupt.
    let serialInterrupt: OwnedDescriptor
    private let doorbellTurn = WaitableState(())
    private let pciAddress = Atomic<UInt32>(0)

    init(
        _ devices: [AttachedDevice], doorbell: DoorbellDevice, memory: GuestMemory
    ) throws(MachineError) {
        serialInterrupt = try OwnedDescriptor(made: ckvm_eventfd(), "make an event counter")
        self.devices = devices
        self.doorbell = doorbell
        self.memory = memory
    }

    /// Handles one exit of a processor, on its thread.
    func answer(_ exit: Processor.Exit) -> Processors.ExitAction {
        switch exit {
        case .write(.memory(let address), let bytes): return unsafe write(address, bytes)
        case .read(.memory(let address), let bytes): unsafe read(address, bytes)
        case .write(.port(let port), let bytes): return unsafe write(port: port, bytes)
        case .read(.port(let port), let bytes): unsafe read(port: port, bytes)
        case .shutDown: return .end(.reset)
        case .halted: return .end(.failed("a processor halted with no interrupt to wake it"))
        case .failed(let reason): return .end(.failed(reason))
        case .interrupted: break
        }
        return .resume
    }

    /// The output of the serial port.
    var console: [UInt8] { serial.withLock { $0.log } }

    /// The serial port's registers, for a snapshot.
    var serialState: [UInt8] {
        get { serial.withLock { $0.registers } }
        set { serial.withLock { $0.registers = newValue } }
    }

    /// Writes a reply into the guest's mailbox.
    func reply(_ bytes: [UInt8]) { doorbell.put(bytes, memory) }

    private func device(at address: UInt64) -> (AttachedDevice, offset: UInt64)? {
        guard let first = devices.first?.place.address, address >= first else { return nil }
        let (index, offset) = (address - first).quotientAndRemainder(dividingBy: VirtioTransport.byteCount)
        return index < devices.count ? (devices[Int(index)], offset) : nil
    }

    private func write(_ address: UInt64, _ bytes: UnsafeRawBufferPointer) -> Processors.ExitAction {
        if let (device, offset) = device(at: address) {
            unsafe device.transport.write(offset: offset, bytes)
        } else if address == Doorbell.page, bytes.count == 4 {
            let time = monotonicNanoseconds()
            return unsafe ring(bytes.loadUnaligned(as: UInt32.self), at: time)
        }
        return .resume
    }

    private func ring(_ count: UInt32, at time: UInt64) -> Processors.ExitAction {
        let answer = doorbellTurn.update { _ in doorbell.ring(count, at: time, memory) }
        switch answer {
        case .proceed: return .resume
        case .pause: return .park
        case .end: return .end(.finished)
        }
    }

    private func read(_ address: UInt64, _ bytes: UnsafeMutableRawBufferPointer) {
        unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0)
        if let (device, offset) = device(at: address) { unsafe device.transport.read(offset: offset, into: bytes) }
    }

    private func write(port: UInt16, _ bytes: UnsafeRawBufferPointer) -> Processors.ExitAction {
        if port == Port.keyboardCommand, unsafe bytes.contains(AddressSpace.resetCommand) { return .end(.reset) }
        if port == Port.pciAddress, bytes.count == 4 {
            unsafe pciAddress.store(bytes.loadUnaligned(as: UInt32.self), ordering: .relaxed)
        }
        guard let register = AddressSpace.serialRegister(port) else { return .resume }
        let isInterrupt = serial.withLock { serial in
            // A string instruction (`rep outsb`) writes all its bytes to one port.
            unsafe bytes.reduce(false) { serial.write($1, to: register) || $0 }
        }
        if isInterrupt { ckvm_eventfd_signal(serialInterrupt.rawValue) }
        return .resume
    }

    /// Reads a port; unassigned ports read as zero, because all ones look like a clock chip in an endless update.
    private func read(port: UInt16, _ bytes: UnsafeMutableRawBufferPointer) {
        unsafe bytes.initializeMemory(as: UInt8.self, repeating: Port.pciData.contains(port) ? 0xFF : 0)
        if port == Port.pciAddress, bytes.count == 4 {
            unsafe bytes.storeBytes(of: pciAddress.load(ordering: .relaxed), as: UInt32.self)
        }
        guard let register = AddressSpace.serialRegister(port) else { return }
        serial.withLock { serial in
            for index in bytes.indices { unsafe bytes[index] = serial.read(register) }
        }
    }

    private static func serialRegister(_ port: UInt16) -> UInt16? {
        (Serial.port..<Serial.port + UInt16(Serial.portCount)).contains(port) ? port - Serial.port : nil
    }
}

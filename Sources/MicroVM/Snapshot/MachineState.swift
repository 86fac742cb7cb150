internal import CKVM
internal import Glibc
internal import Linux

/// The whole state of a machine except its memory.
struct MachineState {
    private static let identityLimit = 4096
    private static let deviceLimit = 4 << 20

    /// The caller's bytes that identify the snapshot.
    var identity: [UInt8]
    var memoryBytes: UInt64
    var processors: [ProcessorState]
    var devices: [[UInt8]]
    /// The serial port's registers.
    var serial: [UInt8]
    private var clock = kvm_clock_data()
    /// Both 8259s and the I/O APIC.
    private var irqchips = [kvm_irqchip](repeating: kvm_irqchip(), count: Int(KVM_NR_IRQCHIPS))

    /// Reads a machine whose processors are parked and whose devices are paused.
    init(
        identity: [UInt8], memoryBytes: UInt64, _ machine: borrowing VirtualMachine, _ processors: [ProcessorState],
        devices: [[UInt8]], serial: [UInt8]
    ) throws(MachineError) {
        self.identity = Array(identity.prefix(MachineState.identityLimit))
        self.memoryBytes = memoryBytes
        self.processors = processors
        self.devices = devices
        self.serial = serial
        try machine.get("KVM_GET_CLOCK", ckvm_get_clock, into: &clock)
        for chip in irqchips.indices {
            irqchips[chip].chip_id = UInt32(chip)
            try machine.get("KVM_GET_IRQCHIP", ckvm_get_irqchip, into: &irqchips[chip])
        }
    }

    /// Restores a machine whose processors have their state already.
    func restore(to machine: borrowing VirtualMachine) throws(MachineError) {
        var now = clock
        // The guest's clock continues from its saved value; the guest learns the wall-clock time in other ways.
        now.flags = 0
        try machine.set("KVM_SET_CLOCK", ckvm_set_clock, to: now)
        for controller in irqchips { try machine.set("KVM_SET_IRQCHIP", ckvm_set_irqchip, to: controller) }
    }

    var bytes: [UInt8] {
        var writer = StateWriter()
        writer.put(identity)
        writer.put(memoryBytes)
        writer.put(UInt32(processors.count))
        for processor in processors { processor.save(to: &writer) }
        writer.put(raw: clock)
        for controller in irqchips { writer.put(raw: controller) }
        writer.put(UInt32(devices.count))
        for device in devices { writer.put(device) }
        writer.put(serial)
        return writer.bytes
    }

    init(_ bytes: [UInt8]) throws(MachineError) {
        var reader = StateReader(bytes)
        identity = try reader.string(limit: MachineState.identityLimit)
        memoryBytes = try reader.number()
        let processorCount = Int(try reader.number(UInt32.self))
        guard (1...MachineConfiguration.processorLimit).contains(processorCount) else {
            throw .brokenSnapshot("it has \(processorCount) processors")
        }
        processors = []
        devices = []
        serial = []
        for _ in 0..<processorCount { processors.append(try ProcessorState(from: &reader)) }
        try reader.read(raw: &clock)
        for chip in irqchips.indices {
            try reader.read(raw: &irqchips[chip])
            guard irqchips[chip].chip_id == UInt32(chip) else {
                throw .brokenSnapshot("it has interrupt controller \(irqchips[chip].chip_id) in place of \(chip)")
            }
        }
        let deviceCount = Int(try reader.number(UInt32.self))
        guard deviceCount <= MMIODevice.maximumCount else { throw .brokenSnapshot("it has \(deviceCount) devices") }
        for _ in 0..<deviceCount { devices.append(try reader.string(limit: MachineState.deviceLimit)) }
        serial = try reader.string(limit: Serial.registersLength)
        try reader.end()
    }
}

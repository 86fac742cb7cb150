internal import CKVM
internal import Linux

/// The VM Generation ID, which informs the guest that it was restored.
///
/// Two machines that continue from one snapshot must not draw the same random numbers.
struct VMGenerationID: ~Copyable {
    /// Above the interrupts of all devices.
    static let interrupt: UInt32 = 20

    private let event: OwnedDescriptor

    /// Connects the interrupt that announces a new generation to the guest.
    init(_ machine: borrowing VirtualMachine) throws(MachineError) {
        let made = try OwnedDescriptor(made: ckvm_eventfd(), "make an event counter")
        try machine.connect(interrupt: VMGenerationID.interrupt, to: made.rawValue)
        event = made
    }

    /// Makes 16 random bytes, different for every run of a machine.
    static func identifier() -> [UInt8] { (0..<16).map { _ in UInt8.random(in: .min ... .max) } }

    /// Writes a new identifier and interrupts the guest.
    func change(in memory: GuestMemory) throws(MachineError) {
        do throws(GuestFault) { try memory.write(VMGenerationID.identifier(), at: BootLayout.vmGenerationID) } catch {
            throw .brokenSnapshot("it has no memory at 0x" + String(error.address, radix: 16))
        }
        ckvm_eventfd_signal(event.rawValue)
    }
}

internal import CKVM
internal import Linux

/// Tells the guest that it is another machine than it was (VM Generation ID): two that go on from one snapshot must not
/// draw the same random numbers.
struct Generation: ~Copyable {
    /// Above those of all devices.
    static let interrupt: UInt32 = 20

    private let event: OwnedDescriptor

    /// Connects the interrupt by which the guest hears of a new one.
    init(_ machine: borrowing VirtualMachine) throws(MachineError) {
        let made = try OwnedDescriptor(made: ckvm_eventfd(), "make an event counter")
        try machine.connect(interrupt: Generation.interrupt, to: made.rawValue)
        event = made
    }

    /// 16 bytes that no other run of a machine has.
    static func identifier() -> [UInt8] { (0..<16).map { _ in UInt8.random(in: .min ... .max) } }

    /// Makes it another machine.
    func change(in memory: GuestMemory) throws(MachineError) {
        do throws(GuestFault) { try memory.write(Generation.identifier(), at: BootLayout.generation) } catch {
            throw .brokenSnapshot("it has no memory at 0x" + String(error.address, radix: 16))
        }
        ckvm_eventfd_signal(event.rawValue)
    }
}

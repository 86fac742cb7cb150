internal import Glibc
internal import Linux
internal import Synchronization
internal import SystemPackage

/// A machine in its own process, and its two channels to the program that started it.
final class ServedMachine: Sendable {
    private let plan: MachinePlan
    private let control: ControlChannel
    private let doorbellChannel: DoorbellChannel
    private let machine: Machine

    /// Makes the machine from the descriptors that the process was started with.
    init(_ plan: MachinePlan, _ control: ControlChannel) throws(MachineError) {
        let doorbellChannel = DoorbellChannel()
        let doorbell: @Sendable ([UInt8], UInt64) -> DoorbellResponse = { doorbellChannel.ring($0, at: $1) }
        let configuration = MachineConfiguration(plan)
        if plan.isRestored {
            let file = OwnedDescriptor(owning: MachinePlan.Number.source)
            machine = try Machine(
                restoring: SnapshotFile(file, "the snapshot"), configuration, reply: [], doorbell: doorbell)
        } else {
            machine = try ServedMachine.boot(plan, configuration, doorbell: doorbell)
        }
        (self.plan, self.control, self.doorbellChannel) = (plan, control, doorbellChannel)
        doorbellChannel.attach(machine)
    }

    /// Boots a machine; frees the initramfs before the guest runs.
    private static func boot(
        _ plan: MachinePlan, _ configuration: MachineConfiguration,
        doorbell: @escaping @Sendable ([UInt8], UInt64) -> DoorbellResponse
    ) throws(MachineError) -> Machine {
        defer { Heap.trim() }
        var configuration = configuration
        if let number = plan.number(of: .initramfs) {
            do throws(SystemError) {
                configuration.initramfs = try OwnedDescriptor(owning: number).readAll(limit: 1 << 30)
            } catch { throw .host(error.operation, "the initramfs", error.errno) }
        }
        return try Machine(configuration, doorbell: doorbell)
    }

    /// Handles requests until the other end of the channel closes.
    func serve() {
        control.send(.made)
        while let message = control.channel.receive(), let request = MachineRequest(message) {
            switch request {
            case .make: return
            case .run(let deadline, let reply): run(until: deadline, reply)
            case .save(let identity): save(identity)
            case .figures: reportFigures()
            case .stop: machine.stop()
            }
        }
    }

    private func run(until deadline: UInt64, _ reply: [UInt8]) {
        if !reply.isEmpty { machine.reply(reply) }
        let isStarted = WorkerThread.startIfPossible { [self] in
            let outcome = machine.run(until: deadline)
            reportFigures(withOverhead: true)
            control.send(.outcome(outcome))
        }
        if !isStarted {
            control.send(.outcome(.ended(.failed("cannot start the machine's thread: the thread limit is reached"))))
        }
    }

    private func save(_ identity: [UInt8]) {
        do throws(MachineError) {
            guard let number = plan.number(of: .snapshot) else {
                throw .impossible("this machine was started without a snapshot file")
            }
            try machine.save(to: OwnedDescriptor(owning: number), identity: identity)
            control.send(.saved)
        } catch { control.send(.failed(error)) }
    }

    private func reportFigures(withOverhead: Bool = false) {
        control.send(.console(machine.console))
        control.send(
            .figures(
                MachineFigures(
                    enteredAt: machine.enteredAt, exits: machine.exitCount,
                    overheadBytes: withOverhead ? machine.overheadBytes : nil, pageFaults: doorbellChannel.pageFaults,
                    diskReads: machine.diskReads)))
    }
}

/// The channel of requests and replies; a guest's threads don't use it.
final class ControlChannel: Sendable {
    let channel: MessageChannel

    init(_ number: Int32) { channel = MessageChannel(OwnedDescriptor(owning: number)) }

    func send(_ reply: MachineReply) {
        // If the other end is closed, the process is about to end.
        _ = channel.send(reply.bytes)
    }
}

/// The channel of the guest's doorbell: the processor that rings it waits for the response.
private final class DoorbellChannel: Sendable {
    private let channel = MessageChannel(OwnedDescriptor(owning: MachinePlan.Number.doorbell))
    private let machine = Mutex<Machine?>(nil)
    private let faultsBefore = DoorbellChannel.faults()

    func attach(_ machine: Machine) { self.machine.withLock { $0 = machine } }

    func ring(_ message: [UInt8], at time: UInt64) -> DoorbellResponse {
        let use = machine.withLock { $0 }?.diskReads
        let doorbellChannel = DoorbellRing(time: time, pageFaults: pageFaults, diskReads: use, message: message)
        guard channel.send(doorbellChannel.bytes), let answer = channel.receive() else { return .end }
        return DoorbellResponse(answer) ?? .end
    }

    /// The number of page faults of the process since it began to make the machine.
    var pageFaults: UInt64 { DoorbellChannel.faults() - faultsBefore }

    private static func faults() -> UInt64 {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return UInt64(usage.ru_minflt + usage.ru_majflt)
    }
}

extension MachineConfiguration {
    /// Makes the configuration of a plan and the descriptors of the process.
    init(_ plan: MachinePlan) {
        self.init(
            kernel: "the kernel", kernelCache: "", commandLine: [String(decoding: plan.commandLine, as: UTF8.self)],
            initramfs: [], memoryBytes: plan.memoryBytes, processors: plan.processors)
        rootInterface = plan.isRootMemory ? .memory : .block
        descriptors = Descriptors(
            kvm: MachinePlan.Number.kvm, kernel: plan.isRestored ? nil : MachinePlan.Number.source,
            root: plan.number(of: .root), vsock: plan.number(of: .vsock))
        network = plan.number(of: .network)
    }
}

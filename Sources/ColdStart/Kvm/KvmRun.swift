internal import Guest
internal import MicroVM
internal import Synchronization

/// One boot in our own machine, until the guest has said all that matters or the patience is over.
struct KvmRun {
    let configuration: MachineConfiguration
    let scenario: Scenario
    let current: CurrentMachine

    /// For init's first word, in nanoseconds; from there the scenario's own time counts.
    private static let bootPatience: UInt64 = 30_000_000_000
    /// What init may take beyond the scenario's time, which it watches itself.
    private static let grace: UInt64 = 10_000_000_000

    /// Boots once.
    func start() throws(ColdStartError) -> Run {
        let listener = Listener(Session(probe: scenario.probe, start: hostClock()))
        let deadline = listener.start + KvmRun.bootPatience + scenario.timeout.nanoseconds + KvmRun.grace
        let outcome: Machine.Outcome
        let console: [UInt8]
        do throws(MachineError) {
            let machine = try Machine(configuration) { message, time in listener.receive(message, at: time) }
            guard current.begin(machine) else { throw .impossible("cancelled") }
            outcome = machine.run(until: deadline)
            console = machine.console
        } catch {
            if current.isCancelled { throw .cancelled }
            throw ColdStartError(error)
        }
        return try listener.session(console).result(
            end(outcome), by: .host, timeout: scenario.timeout, boot: KvmRun.bootPatience)
    }

    private func end(_ outcome: Machine.Outcome) throws(ColdStartError) -> Session.End {
        switch outcome {
        case .ended(.finished), .held: .done
        case .ended(.reset): .closed
        case .ended(.stopped): .cancelled
        case .ended(.timedOut): .impatient
        case .ended(.failed(let reason)): throw .emulatorFailed(reason: reason)
        }
    }
}

/// A session that hears the guest ring.
private final class Listener: Sendable {
    private let session: Mutex<Session>
    let start: UInt64

    init(_ session: Session) {
        start = session.start
        self.session = Mutex(session)
    }

    func receive(_ message: [UInt8], at time: UInt64) -> DoorbellAnswer {
        session.withLock { session in
            session.receive(message, at: time)
            return session.isDone ? .end : .proceed()
        }
    }

    func session(_ console: [UInt8]) -> Session {
        session.withLock { session in
            session.receiveConsole(console)
            return session
        }
    }
}

extension ColdStartError {
    /// What the machine says, in the words of a start.
    init(_ error: MachineError) {
        self =
            switch error {
            case .unbootableKernel, .impossible, .brokenSnapshot: .impossibleScenario(error.description)
            case .host(let operation, let path, let errno): .file(operation, path, errno)
            case .unavailable, .incapable, .refused, .guestFault: .machineUnavailable(error.description)
            }
    }
}

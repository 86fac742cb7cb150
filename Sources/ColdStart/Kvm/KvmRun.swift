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
        let listener = Listener(scenario.probe)
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
        return try listener.result(console, try end(outcome), timeout: scenario.timeout, boot: KvmRun.bootPatience)
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

    init(_ probe: Probe) {
        start = hostClock()
        session = Mutex(Session(probe: probe, start: start))
    }

    func receive(_ message: [UInt8], at time: UInt64) -> DoorbellAnswer {
        session.withLock { session in
            session.receive(message, at: time)
            return session.isDone ? .end : .proceed()
        }
    }

    /// What was heard, with the console's text, came to.
    func result(
        _ console: [UInt8], _ end: Session.End, timeout: Duration, boot: UInt64
    ) throws(ColdStartError) -> Run {
        let result: Result<Run, ColdStartError> = session.withLock { session in
            session.receiveConsole(console)
            do throws(ColdStartError) {
                return .success(try session.result(end, by: .host, timeout: timeout, boot: boot))
            } catch { return .failure(error) }
        }
        return try result.get()
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

internal import CKVM
internal import Linux
internal import Synchronization

/// The threads that run a machine's processors: started once, stopped together, parked together.
///
/// ```
///            run                      guest rings "hold", or the host pauses it
/// start ──► running ─────────────────────────────► parking ──► parked (state may be read) ──► running
///              │  guest resets, deadline, stop()
///              └──────────────────────────► ending ──► ended
/// ```
final class Processors: Sendable {
    private enum DesiredState: Equatable { case run, park, end }

    private struct State {
        var desiredState = DesiredState.run
        var threads: [UInt] = []
        var parked = 0
        var running = 0
        var stopReason: Machine.StopReason?
    }

    let all: [Processor]
    private let monitor = WaitableState(State())
    private let exits = Atomic<UInt64>(0)
    private let entered = Atomic<UInt64>(0)

    init(_ all: [Processor]) { self.all = all }

    /// Starts or continues all processors, unless they have been ended.
    ///
    /// - Parameter handle: handles an exit of a processor, on its thread.
    ///
    /// - Returns: true at the first call.
    @discardableResult
    func start(_ handle: @escaping @Sendable (Processor.Exit) -> ExitAction) -> Bool {
        let isFirst = monitor.update { state in
            // If the machine was ended before it began, or while it was paused, it stays ended.
            guard state.desiredState != .end else { return false }
            for processor in all { processor.clearInterrupt() }
            state.desiredState = .run
            let isFirst = state.running == 0
            if isFirst { state.running = all.count }
            return isFirst
        }
        guard isFirst else { return false }
        for processor in all where !WorkerThread.startIfPossible({ [self] in run(processor, handle) }) {
            monitor.update { $0.running -= 1 }
            end(.failed("cannot start a processor's thread: the thread limit is reached"))
        }
        return true
    }

    /// The action of the machine after an exit.
    enum ExitAction {
        case resume
        case park
        case end(Machine.StopReason)
    }

    private func run(_ processor: Processor, _ handle: (Processor.Exit) -> ExitAction) {
        let thread = ckvm_this_thread()
        do throws(MachineError) {
            try kvm("a signal to stop it by") { ckvm_prepare_kick() }
            try Jail.processor.enter()
        } catch { end(.failed(error.description)) }
        monitor.update { $0.threads.append(thread) }
        if processor.identifier == 0 { entered.store(monotonicNanoseconds(), ordering: .relaxed) }
        while true {
            let exit = processor.step()
            exits.add(1, ordering: .relaxed)
            if case .interrupted = exit {
                guard applyDesiredState() else { break }
                continue
            }
            switch handle(exit) {
            case .resume: continue
            // The next step completes the guest's instruction, and returns interrupted.
            case .park: request(.park)
            case .end(let stopReason): end(stopReason)
            }
        }
        monitor.update { state in
            state.threads.removeAll { $0 == thread }
            state.running -= 1
        }
    }

    /// Carries out the machine's request to an interrupted processor; `false` to end.
    private func applyDesiredState() -> Bool {
        let isParked = monitor.update { state in
            guard state.desiredState == .park else { return false }
            state.parked += 1
            return true
        }
        return monitor.wait { state -> Bool? in
            guard state.desiredState != .park else { return nil }
            if isParked { state.parked -= 1 }
            return state.desiredState == .run
        } ?? false
    }

    private func request(_ desiredState: DesiredState) {
        monitor.update { state in
            if state.desiredState != .end { state.desiredState = desiredState }
            for processor in all { processor.interrupt() }
            // A thread takes itself off the list before it ends, so all of these still exist.
            for thread in state.threads { _ = ckvm_kick(thread) }
        }
    }

    private func end(_ stopReason: Machine.StopReason) {
        monitor.update { if $0.stopReason == nil { $0.stopReason = stopReason } }
        request(.end)
    }

    /// Ends all processors; the first ending that was requested counts.
    func stop(_ stopReason: Machine.StopReason) { end(stopReason) }

    /// Waits until all processors are parked, or all have ended.
    ///
    /// - Returns: the ending; `nil` if they are parked.
    func wait(until deadline: UInt64) -> Machine.StopReason? {
        let count = all.count
        let settled: Machine.StopReason?? = monitor.wait(until: deadline) { state in
            if state.running == 0 { return .some(state.stopReason) }
            return state.desiredState == .park && state.parked == count ? .some(nil) : nil
        }
        if let settled { return settled }
        end(.timedOut)
        // A processor that no signal reaches stays with the kernel; the machine ends nevertheless.
        _ = monitor.wait(until: monotonicNanoseconds() + 1_000_000_000) { $0.running == 0 ? true : nil }
        return .timedOut
    }

    /// Waits for the end of the processors; `nil` if they still run at `deadline`.
    func stopReason(until deadline: UInt64) -> Machine.StopReason? {
        monitor.wait(until: deadline) { state in state.running == 0 ? state.stopReason : nil }
    }

    /// The processor time of the running processors' threads, in nanoseconds.
    var processorTime: UInt64 {
        // A thread takes itself off the list before it ends, so all of these still exist.
        monitor.update { state in state.threads.reduce(0) { $0 + ckvm_thread_time($1) } }
    }

    /// The time of the first processor's first instruction, in nanoseconds of `CLOCK_MONOTONIC`; 0 before it.
    var enteredAt: UInt64 { entered.load(ordering: .relaxed) }

    /// The number of exits of all processors.
    var exitCount: UInt64 { exits.load(ordering: .relaxed) }
}

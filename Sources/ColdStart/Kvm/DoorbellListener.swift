internal import Guest
internal import MicroVM
internal import Synchronization

/// A session that hears the guest ring.
final class DoorbellListener: Sendable {
    private let session: Mutex<Session>
    /// When the wait began, nanoseconds of the host's clock.
    let start: UInt64
    /// Whether the guest's probe has passed, once that is known.
    let passed: Parcel<Bool>

    init(_ scenario: Scenario) throws(ColdStartError) {
        start = hostClock()
        session = Mutex(
            Session(
                probe: scenario.probe, interview: scenario.interview, start: start, memory: scenario.memoryBytes))
        passed = try Parcel()
    }

    /// Takes what the guest tells, and says how it goes on.
    ///
    /// A guest whose probe has passed goes on until whoever waits for that ends it.
    func receive(_ message: [UInt8], at time: UInt64) -> DoorbellAnswer {
        session.withLock { session in
            let wasHeld = session.isHeld
            session.receive(message, at: time)
            if session.isHeld, !wasHeld { return .hold }
            guard let verdict = session.verdict else { return .proceed() }
            passed.leave(verdict == .passed)
            return verdict != .passed || session.isOver ? .end : .proceed()
        }
    }

    /// Why the guest cannot be reached from here though its probe has passed, if so.
    var obstacle: String? {
        session.withLock { session in
            if session.marks[.reachable] != nil { return nil }
            guard let failure = session.failure else { return "the machine takes no connections" }
            return "the machine could not \(failure.stage.words): errno \(failure.errno)"
        }
    }

    /// What the entrypoint wrote, and behind it the console's text.
    func console(_ text: [UInt8]) -> Console {
        session.withLock { session in
            var session = session
            session.receiveConsole(text)
            return Console(text: session.console.text)
        }
    }

    /// What all that was heard, and the console's text, came to.
    func result(
        _ console: [UInt8], entered: UInt64, _ end: Session.End, timeout: Duration, boot: UInt64
    ) throws(ColdStartError) -> Run {
        let result: Result<Run, ColdStartError> = session.withLock { session in
            // A machine that is kept is asked before its end.
            var session = session
            session.receiveConsole(console)
            session.entered = max(entered, session.start)
            do throws(ColdStartError) {
                return .success(try session.result(end, by: .host, timeout: timeout, boot: boot))
            } catch { return .failure(error) }
        }
        return try result.get()
    }
}

internal import Guest
internal import MicroVM
internal import Synchronization

/// A session that hears the guest ring.
final class DoorbellListener: Sendable {
    private let session: Mutex<Session>
    /// When the wait began, nanoseconds of the host's clock.
    let start: UInt64

    init(_ probe: Probe) {
        start = hostClock()
        session = Mutex(Session(probe: probe, start: start))
    }

    /// Takes what the guest tells, and says how it goes on.
    func receive(_ message: [UInt8], at time: UInt64) -> DoorbellAnswer {
        session.withLock { session in
            let wasHeld = session.isHeld
            session.receive(message, at: time)
            if session.isHeld, !wasHeld { return .hold }
            return session.isDone ? .end : .proceed()
        }
    }

    /// What all that was heard, and the console's text, came to.
    func result(
        _ console: [UInt8], entered: UInt64, _ end: Session.End, timeout: Duration, boot: UInt64
    ) throws(ColdStartError) -> Run {
        let result: Result<Run, ColdStartError> = session.withLock { session in
            session.receiveConsole(console)
            session.entered = max(entered, session.start)
            do throws(ColdStartError) {
                return .success(try session.result(end, by: .host, timeout: timeout, boot: boot))
            } catch { return .failure(error) }
        }
        return try result.get()
    }
}

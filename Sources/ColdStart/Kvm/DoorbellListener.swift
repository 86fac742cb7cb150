internal import Guest
internal import MicroVM
internal import Synchronization

/// A session that receives the guest's doorbell messages.
final class DoorbellListener: Sendable {
    private let session: Mutex<GuestSession>
    /// The start of the session, in nanoseconds of the host's clock.
    let start: UInt64
    /// True if the guest's probe has passed; set once that is known.
    let passed: OneShot<Bool>

    init(_ scenario: Scenario) throws(ColdStartError) {
        start = hostClock()
        session = Mutex(
            GuestSession(
                probe: scenario.probe, probeSet: scenario.probeSet, start: start, memory: scenario.memoryBytes))
        passed = try OneShot()
    }

    /// Handles a message of the guest, and returns the doorbell's response.
    ///
    /// A guest whose probe has passed continues until the caller that waits for it ends it.
    func receive(_ message: [UInt8], at time: UInt64) -> DoorbellResponse {
        session.withLock { session in
            let wasPaused = session.isPaused
            session.receive(message, at: time)
            if session.isPaused, !wasPaused { return .pause }
            guard let verdict = session.verdict else { return .proceed() }
            passed.fulfill(verdict == .passed)
            return verdict != .passed || session.isOver ? .end : .proceed()
        }
    }

    /// The reason why the guest can't be reached from the host although its probe has passed; `nil` if it can.
    var unreachableReason: String? {
        session.withLock { session in
            if session.marks[.reachable] != nil { return nil }
            guard let failure = session.failure else { return "the machine accepts no connections" }
            return "the machine could not \(failure.stage.words): errno \(failure.errno)"
        }
    }

    /// Returns the entrypoint's output, followed by the console's text.
    func console(_ text: [UInt8]) -> Console {
        session.withLock { session in
            var session = session
            session.receiveConsole(text)
            return Console(text: session.console.text)
        }
    }

    /// Returns the result of the session, with the console's text.
    func result(
        _ console: [UInt8], entered: UInt64, _ end: GuestSession.HostStop, timeout: Duration, boot: UInt64
    ) throws(ColdStartError) -> StartFigures {
        let result: Result<StartFigures, ColdStartError> = session.withLock { session in
            // A copy, because the session of a kept machine continues.
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

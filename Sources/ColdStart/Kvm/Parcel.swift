internal import Linux
internal import Synchronization

/// A value that one thread leaves for another, which waits for it; any thread may leave it, confined ones too.
final class Parcel<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)
    private let signal: Canceller

    init() throws(ColdStartError) {
        do throws(SystemError) { signal = try Canceller() } catch {
            throw .file(error.operation, error.path, error.errno)
        }
    }

    /// Leaves it; only the first counts.
    func leave(_ value: Value) {
        let isFirst = self.value.withLock { kept in
            guard kept == nil else { return false }
            kept = value
            return true
        }
        // Once: a pipe that nobody reads takes only so many, and a guest must not be what fills it.
        if isFirst { signal.cancel() }
    }

    /// Waits for it; `nil` where nobody has left anything until `deadline`, nanoseconds of the host's clock.
    func wait(until deadline: UInt64 = .max) -> Value? {
        _ = try? waitForInput([signal.reading.rawValue], until: deadline)
        return value.withLock { $0 }
    }
}

internal import Linux
internal import Synchronization

/// A value that one thread sets and another waits for; any thread may set it, confined ones too.
final class OneShot<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)
    private let signal: Canceller

    init() throws(ColdStartError) {
        do throws(SystemError) { signal = try Canceller() } catch {
            throw .file(error.operation, error.path, error.errno)
        }
    }

    /// Sets the value; only the first call has an effect.
    func fulfill(_ value: Value) {
        let isFirst = self.value.withLock { kept in
            guard kept == nil else { return false }
            kept = value
            return true
        }
        // Only once: an unread pipe has a limited size, and a guest must not be able to fill it.
        if isFirst { signal.cancel() }
    }

    /// Waits for the value; `nil` if it is not set before `deadline`, in nanoseconds of the host's clock.
    func wait(until deadline: UInt64 = .max) -> Value? {
        _ = try? waitForInput([signal.reading.rawValue], until: deadline)
        return value.withLock { $0 }
    }
}

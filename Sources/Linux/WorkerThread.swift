// Threads outside the pool.

internal import Glibc

/// Starts threads for work that blocks for long, or that changes its thread's state.
public enum WorkerThread {
    private final class Job: Sendable {
        let body: @Sendable () -> Void

        init(_ body: @Sendable @escaping () -> Void) {
            self.body = body
        }
    }

    /// Runs `body` on a new thread; runs it at once on this one if the process can't start a thread.
    public static func start(_ body: @Sendable @escaping () -> Void) {
        if !startIfPossible(body) { body() }
    }

    /// Runs `body` on a new thread; returns false, without running it, if the process can't start a thread.
    public static func startIfPossible(_ body: @Sendable @escaping () -> Void) -> Bool {
        let job = unsafe Unmanaged.passRetained(Job(body))
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<Job>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, unsafe job.toOpaque())
        guard code == 0 else {
            unsafe job.release()
            return false
        }
        pthread_detach(thread)
        return true
    }
}

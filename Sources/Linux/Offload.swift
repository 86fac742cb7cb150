// Blocking work kept off the threads that run async code.

internal import Synchronization

/// Runs blocking calls on threads of their own.
public enum Offload {
    /// The limit of concurrent blocking calls in this process; further calls are queued.
    public static let width = 64

    private static let pool = ThreadPool(width: width)

    /// Runs `body` on a thread that may block, and waits for it without blocking.
    ///
    /// Cancellation doesn't stop a body that has already started.
    public static func run<T: Sendable>(_ body: @Sendable @escaping () throws -> T) async throws -> T {
        let id = DebugLog.id
        return try await withCheckedThrowingContinuation { continuation in
            pool.submit {
                continuation.resume(with: Result { try DebugLog.$id.withValue(id) { try body() } })
            }
        }
    }

    /// Runs `body` for every item, at most `width` at once, and returns the results in the order of the items.
    ///
    /// After a failure no further item starts. The running ones are waited for, then the first error is thrown.
    public static func map<Item: Sendable, T: Sendable>(
        _ items: [Item], width: Int, _ body: @Sendable @escaping (Item) throws -> T
    ) async throws -> [T] {
        precondition(width > 0, "width must be positive")
        return try await withThrowingTaskGroup(of: (Int, T).self) { group in
            var results = [T?](repeating: nil, count: items.count)
            for (index, item) in items.enumerated() {
                if index >= width, let (done, result) = try await group.next() { results[done] = result }
                group.addTask { (index, try await run { try body(item) }) }
            }
            for try await (done, result) in group { results[done] = result }
            return results.compactMap(\.self)
        }
    }
}

/// Threads that start when there is work and end when there is none.
private final class ThreadPool: Sendable {
    private struct State {
        var waiting: [@Sendable () -> Void] = []
        var running = 0
    }

    private let state = Mutex(State())
    private let width: Int

    init(width: Int) {
        self.width = width
    }

    func submit(_ job: @Sendable @escaping () -> Void) {
        let starts = state.withLock { state in
            guard state.running < width else {
                state.waiting.append(job)
                return false
            }
            state.running += 1
            return true
        }
        guard starts else { return }
        WorkerThread.start { [self] in
            job()
            while let next = next() { next() }
        }
    }

    /// Returns the oldest waiting job, or nil after counting one thread less.
    private func next() -> (@Sendable () -> Void)? {
        state.withLock { state in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.running -= 1
            return nil
        }
    }
}

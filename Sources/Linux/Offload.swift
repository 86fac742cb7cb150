// Blocking work kept off the threads that run async code.

internal import Synchronization

/// Runs blocking calls on threads of their own.
public enum Offload {
    /// How many blocking calls run at once in this process; more wait their turn.
    public static let width = 64

    private static let pool = ThreadPool(width: width)

    /// Runs `body` on a thread that may block, and waits for it without blocking.
    ///
    /// Cancellation does not stop a body that has begun.
    public static func run<T: Sendable>(_ body: @Sendable @escaping () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            pool.submit { continuation.resume(with: Result(catching: body)) }
        }
    }

    /// Runs `body` for every item, at most `width` at once, and gives the results in the order of the items.
    ///
    /// After a failure no further item begins; those that run are waited for, then the first failure is thrown.
    public static func map<Item: Sendable, T: Sendable>(
        _ items: [Item], width: Int, _ body: @Sendable @escaping (Item) throws -> T
    ) async throws -> [T] {
        precondition(width > 0, "somebody must work")
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

/// Threads that come with work and go when there is none.
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

    /// The longest waiting job, or nil and one running thread less.
    private func next() -> (@Sendable () -> Void)? {
        state.withLock { state in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.running -= 1
            return nil
        }
    }
}

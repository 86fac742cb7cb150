internal import Dispatch
internal import Linux
internal import Synchronization

/// A source that is read on its own thread, a few chunks ahead of its reader, so that two cores share the work.
///
/// ```
/// thread: source.next() -> [chunk chunk chunk chunk] -> next()
/// ```
/// If the process may have no further thread, the source is read on the reader's thread.
final class ReadAheadSource: ByteSource {
    private let queue: BoundedQueue
    private var last: Result<[UInt8], any Error>?
    private let direct: (any ByteSource)?

    init(_ source: any ByteSource) {
        let queue = BoundedQueue(source)
        self.queue = queue
        direct = WorkerThread.startIfPossible({ queue.fill() }) ? nil : source
    }

    deinit {
        // The source ends with its reader, not some time later.
        if direct == nil { queue.stop() }
    }

    func next() throws -> [UInt8] {
        if let direct { return try direct.next() }
        if let last { return try last.get() }
        let result = queue.take()
        if BoundedQueue.isLast(result) { last = result }
        return try result.get()
    }
}

/// The chunks between a thread that makes them and one that takes them.
///
/// Sendable because only ``fill()`` uses the source, which runs once, and the rest synchronizes itself.
private final class BoundedQueue: @unchecked Sendable {
    private struct State {
        var chunks: [Result<[UInt8], any Error>] = []
        var isStopped = false
    }

    private static let length = 4

    private let source: any ByteSource
    private let state = Mutex(State())
    private let free = DispatchSemaphore(value: 0)
    private let ready = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    init(_ source: any ByteSource) {
        self.source = source
        for _ in 0..<Self.length { free.signal() }
    }

    /// True if nothing follows: the end, or an error.
    static func isLast(_ result: Result<[UInt8], any Error>) -> Bool {
        if case .success(let chunk) = result { chunk.isEmpty } else { true }
    }

    func fill() {
        var isOver = false
        while !isOver {
            free.wait()
            if state.withLock({ $0.isStopped }) { break }
            let result = Result { try source.next() }
            isOver = Self.isLast(result)
            state.withLock { $0.chunks.append(result) }
            ready.signal()
        }
        ended.signal()
    }

    func take() -> Result<[UInt8], any Error> {
        ready.wait()
        defer { free.signal() }
        return state.withLock { $0.chunks.removeFirst() }
    }

    func stop() {
        state.withLock { $0.isStopped = true }
        free.signal()
        ended.wait()
    }
}

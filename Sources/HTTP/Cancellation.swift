internal import Glibc
public import Linux
internal import SystemPackage

/// A signal that makes blocking work stop.
///
/// It is a socket pair whose one end becomes readable, so that a wait for the network ends too.
public final class Cancellation: Sendable {
    private let readingEnd: OwnedDescriptor
    private let writingEnd: OwnedDescriptor

    /// Makes a signal that is not cancelled.
    public init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        try system("make a socket pair") {
            unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        }
        readingEnd = OwnedDescriptor(owning: ends[0])
        writingEnd = OwnedDescriptor(owning: ends[1])
    }

    /// Cancels all work that uses this signal.
    public func cancel() { shutdown(writingEnd.rawValue, Int32(SHUT_RDWR)) }

    /// True after ``cancel()``.
    public var isCancelled: Bool { wait(milliseconds: 0) }

    /// Waits for `duration`.
    ///
    /// - Throws: `CancellationError` at once on cancellation.
    public func sleep(for duration: Duration) throws {
        let clock = ContinuousClock()
        let end = clock.now + duration
        while true {
            let left = clock.now.duration(to: end).milliseconds
            if wait(milliseconds: Int32(clamping: left)) { throw CancellationError() }
            if left <= 0 { return }
        }
    }

    /// Runs blocking work off the pool; cancelling the task cancels the signal that `body` gets.
    public static func offload<T: Sendable>(_ body: @Sendable @escaping (Cancellation) throws -> T) async throws -> T {
        let cancellation = try Cancellation()
        return try await withTaskCancellationHandler {
            try await Offload.run { try body(cancellation) }
        } onCancel: {
            cancellation.cancel()
        }
    }

    /// The descriptor that becomes readable on cancellation.
    var descriptor: Int32 { readingEnd.rawValue }

    private func wait(milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: readingEnd.rawValue, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&entry, 1, max(0, milliseconds)) > 0
    }
}

extension Duration {
    /// Whole milliseconds, rounded up.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    }
}

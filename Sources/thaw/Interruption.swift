import ColdStart
import Glibc
import Linux
import SystemPackage

/// Work that lasts until Ctrl-C, which then ends in order instead of at once.
enum Interruption {
    /// Where the signal's handler writes; set once, before there is a handler that reads it.
    private nonisolated(unsafe) static var bell: Int32 = -1

    /// Does the work; after Ctrl-C, or SIGTERM, its task is cancelled.
    static func ending<Result: Sendable>(
        _ work: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let task = Task(operation: work)
        try listen { task.cancel() }
        return try await task.value
    }

    private static func listen(_ body: @escaping @Sendable () -> Void) throws {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw SystemError("make pipe", nil, Errno(rawValue: errno)) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let reading = ends[0]
        unsafe bell = ends[1]
        WorkerThread.start {
            let descriptor = OwnedDescriptor(owning: reading)
            if (try? descriptor.read(1)) != nil { body() }
        }
        for number in [SIGINT, SIGTERM] { _ = signal(number, ring) }
    }

    private static let ring: @convention(c) (Int32) -> Void = { _ in
        var byte: UInt8 = 0
        _ = unsafe write(bell, &byte, 1)
    }
}

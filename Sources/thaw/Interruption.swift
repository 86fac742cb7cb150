import ColdStart
import Glibc
import Linux
import Sandbox
import SystemPackage

/// The effect of SIGINT, SIGTERM and SIGHUP: they end the process at once, save for work that has something to clean up.
enum Interruption {
    /// Where the signals' handler writes; it changes only while that handler is not the one in charge.
    private nonisolated(unsafe) static var bell: Int32 = -1
    private static let patience: Int32 = 5_000
    /// True if the process was started with SIGHUP ignored.
    private static let ignoresHangUp = {
        var action = sigaction()
        guard unsafe sigaction(SIGHUP, nil, &action) == 0 else { return false }
        // SIG_IGN is the address 1.
        return unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
    }()

    /// From now on they end the process with a word and status 130. Containers end with it, and what was half-written has
    /// no name.
    static func endAtOnce() { setHandler(end) }

    /// Does the work, whose task they cancel, so that it ends in order.
    ///
    /// - Parameter abandon: puts away what it can when they come a second time, or work does not end within seconds; then
    ///   the process ends.
    static func ending<Result: Sendable>(
        abandon: @escaping @Sendable () -> Void, _ work: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw SystemError("make pipe", nil, Errno(rawValue: errno)) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let (reading, writing) = (ends[0], ends[1])
        let task = Task(operation: work)
        WorkerThread.start { listen(OwnedDescriptor(owning: reading), task.cancel, abandon) }
        unsafe bell = writing
        setHandler(ring)
        let result = await task.result
        endAtOnce()
        // The other end is the thread's, which ends with this one.
        close(writing)
        return try result.get()
    }

    /// Waits for the end of the process if a signal is ending it: failures of its last moments are the signal's doing.
    static func awaitEnd() {
        while Container.areAllKilled { pause() }
    }

    private static func listen(
        _ bell: consuming OwnedDescriptor, _ cancel: () -> Void, _ abandon: () -> Void
    ) {
        guard (try? bell.read(1))?.isEmpty == false else { return }
        cancel()
        var wait = pollfd(fd: bell.rawValue, events: Int16(POLLIN), revents: 0)
        let isRung = unsafe poll(&wait, 1, patience) == 1
        if isRung, (try? bell.read(1))?.isEmpty == true { return }
        abandon()
        end(SIGINT)
    }

    private static func setHandler(_ handler: @escaping @convention(c) (Int32) -> Void) {
        for number in [SIGINT, SIGTERM] { _ = signal(number, handler) }
        // nohup(1) has the signal ignored.
        if !ignoresHangUp { _ = signal(SIGHUP, handler) }
    }

    private static let ring: @convention(c) (Int32) -> Void = { _ in
        var byte: UInt8 = 0
        _ = unsafe write(bell, &byte, 1)
    }

    /// Calls only what a signal's handler may call.
    private static let end: @convention(c) (Int32) -> Void = { _ in
        let text: StaticString = "\nthaw: interrupted; nothing half-written was kept\n"
        _ = unsafe write(2, text.utf8Start, text.utf8CodeUnitCount)
        Container.killAll()
        _exit(130)
    }
}

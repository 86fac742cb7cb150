internal import Glibc
internal import Linux
internal import Sandbox
internal import SystemPackage

/// The handling of SIGINT, SIGTERM and SIGHUP: they end the process at once, except during work that must clean up.
public enum Interruption {
    /// The descriptor that the signal handler `ring` writes to.
    ///
    /// It changes only while `ring` is not installed, so that no access races with the handler.
    private nonisolated(unsafe) static var eventFD: Int32 = -1
    /// The time that cancelled work has to end, in milliseconds.
    private static let shutdownTimeout: Int32 = 5_000
    /// True if the process was started with SIGHUP ignored.
    private static let ignoresHangUp = {
        var action = sigaction()
        guard unsafe sigaction(SIGHUP, nil, &action) == 0 else { return false }
        // SIG_IGN is the address 1.
        return unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
    }()

    /// Makes the signals end the process with a message and status 130.
    ///
    /// Containers end with it. Half-written files have no name, so that nothing of them stays.
    public static func endAtOnce() { setHandler(end) }

    /// Runs the work in a task that a signal cancels, so that the work can clean up.
    ///
    /// - Parameter abandon: cleans up what it can after a second signal, or if the cancelled work does not end within
    ///   5 seconds. Then the process ends.
    public static func ending<Result: Sendable>(
        abandon: @escaping @Sendable () -> Void, _ work: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw SystemError("make pipe", nil, Errno(rawValue: errno)) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let (reading, writing) = (ends[0], ends[1])
        let task = Task(operation: work)
        WorkerThread.start { listen(on: OwnedDescriptor(owning: reading), cancel: task.cancel, abandon: abandon) }
        unsafe eventFD = writing
        setHandler(ring)
        let result = await task.result
        endAtOnce()
        // The thread owns the other end and exits at the end of file.
        close(writing)
        return try result.get()
    }

    /// Blocks until the process ends if a signal is ending it, since errors from then on only follow from the signal.
    public static func awaitEnd() {
        while Container.areAllKilled { pause() }
    }

    private static func listen(
        on eventFD: consuming OwnedDescriptor, cancel: () -> Void, abandon: () -> Void
    ) {
        guard (try? eventFD.read(1))?.isEmpty == false else { return }
        cancel()
        var wait = pollfd(fd: eventFD.rawValue, events: Int16(POLLIN), revents: 0)
        let isRung = unsafe poll(&wait, 1, shutdownTimeout) == 1
        if isRung, (try? eventFD.read(1))?.isEmpty == true { return }
        abandon()
        end(SIGINT)
    }

    private static func setHandler(_ handler: @escaping @convention(c) (Int32) -> Void) {
        for number in [SIGINT, SIGTERM] { _ = signal(number, handler) }
        // nohup(1) starts a program with SIGHUP ignored, which must stay so.
        if !ignoresHangUp { _ = signal(SIGHUP, handler) }
    }

    private static let ring: @convention(c) (Int32) -> Void = { _ in
        var byte: UInt8 = 0
        _ = unsafe write(eventFD, &byte, 1)
    }

    /// Ends the process; calls only async-signal-safe functions.
    private static let end: @convention(c) (Int32) -> Void = { _ in
        let text: StaticString = "\nthaw: interrupted; nothing half-written was kept\n"
        _ = unsafe write(2, text.utf8Start, text.utf8CodeUnitCount)
        Container.killAll()
        _exit(130)
    }
}

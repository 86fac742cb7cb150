import CInit

extension Supervisor {
    /// The number of SIGTERM.
    private static let signal: Int32 = 15
    /// The time for the entrypoint's end; an emulated machine is slow.
    private static let terminationTime: UInt64 = 10_000_000_000

    /// Sends SIGTERM to the entrypoint, as a platform does to stop an instance, and returns its reaction.
    ///
    /// Here the entrypoint is not PID 1, so that the kernel would end one without a handler. A container's PID 1
    /// ignores the signal then.
    ///
    /// - Parameter isSent: False to look for a handler only; the result is then `unhandled` or nil.
    mutating func terminate(isSent: Bool) -> Message.Termination? {
        guard exitStatus == nil else { return nil }
        let path = bytes("/proc/") + decimal(UInt64(UInt32(bitPattern: child.process))) + bytes("/status")
        guard let status = contents(of: path, limit: 8_192) else { return nil }
        guard isHandled(Int(Supervisor.signal), status: status) else { return .unhandled }
        guard isSent else { return nil }
        let begin = cinit_monotonic()
        _ = cinit_kill(child.process, Supervisor.signal)
        waitForExit(until: begin &+ Supervisor.terminationTime)
        let milliseconds = UInt32(truncatingIfNeeded: (cinit_monotonic() &- begin) / 1_000_000)
        return exitStatus == nil ? .running(milliseconds: milliseconds) : .ended(milliseconds: milliseconds)
    }
}

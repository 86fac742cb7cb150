internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// A child process; its owner kills and reaps it at the latest when it releases this value.
///
/// Start it on a thread that exists as long as the program. With `diesWithThread` and an installed `setpriv`, the
/// kernel kills the program when that thread ends. This covers any end of this process.
struct ChildProcess: ~Copyable {
    private let process: pid_t
    private var isRunning = true

    /// Starts a program with an empty stdin; `descriptors` become its descriptors 1, 2, 3 and so on.
    ///
    /// - Throws: ``SystemError`` if the program can't be run.
    init(
        _ arguments: [String], descriptors: [Int32], directory: FilePath? = nil, diesWithThread: Bool = false
    ) throws(SystemError) {
        let setpriv = "/usr/bin/setpriv"
        let ties = diesWithThread && isAccessible(setpriv, X_OK)
        let words = (ties ? [setpriv, "--pdeathsig", "KILL"] : []) + arguments
        process = try Spawn.start(
            directory.map { ["env", "-C", $0.string] + words } ?? words, streams: [nil] + descriptors.map { $0 })
    }

    /// Takes over a running program.
    init(_ process: pid_t) { self.process = process }

    /// The process number; it stays valid until the process is reaped.
    var number: pid_t { process }

    /// The processor time of the running program, without that of its children; nil if the kernel hides it.
    var processorTime: Duration? {
        var clock = clockid_t()
        var time = timespec()
        guard unsafe clock_getcpuclockid(process, &clock) == 0, unsafe clock_gettime(clock, &time) == 0 else {
            return nil
        }
        return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }

    deinit {
        guard isRunning else { return }
        _ = Glibc.kill(process, SIGKILL)
        _ = Spawn.wait(process)
    }

    /// Kills the program.
    mutating func kill() { _ = Glibc.kill(process, SIGKILL) }

    /// Waits for the program's end.
    mutating func wait() -> Spawn.ExitStatus {
        let end = Spawn.wait(process)
        isRunning = false
        return end
    }
}

/// A pipe: we read from one end, a child process writes to the other.
struct OutputPipe: ~Copyable {
    let reading: OwnedDescriptor
    private var writer: OwnedDescriptor?

    init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        try system("make pipe") { unsafe clinux_pipe(&ends) }
        reading = OwnedDescriptor(owning: ends[0])
        writer = OwnedDescriptor(owning: ends[1])
    }

    /// The end for the child process.
    var writing: Int32 {
        switch writer {
        case .some(let descriptor): descriptor.rawValue
        case .none: -1
        }
    }

    /// Closes our copy of the other end, so that the pipe ends with the child process.
    mutating func closeWriting() { writer = nil }
}

/// A signal that stops a thread in ``waitForInput(_:until:)``.
final class Canceller: Sendable {
    /// Readable after a call of ``cancel()``.
    let reading: OwnedDescriptor
    private let writing: OwnedDescriptor

    init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        try system("make pipe") { unsafe clinux_pipe(&ends) }
        reading = OwnedDescriptor(owning: ends[0])
        writing = OwnedDescriptor(owning: ends[1])
    }

    /// Thread-safe; a second call has no effect.
    func cancel() { _ = try? writing.write([0]) }
}

/// Waits until one of the descriptors is readable or closed, or the host's clock passes `deadline`.
///
/// - Returns: true for each ready descriptor; all false at the deadline.
func waitForInput(_ descriptors: [Int32], until deadline: UInt64) throws(SystemError) -> [Bool] {
    var watches = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    while true {
        let now = hostClock()
        guard now < deadline else { return descriptors.map { _ in false } }
        let timeout = Int32(clamping: (deadline - now) / 1_000_000 + 1)
        let ready = try system("poll") { unsafe poll(&watches, nfds_t(watches.count), timeout) }
        if ready > 0 { return watches.map { $0.revents != 0 } }
    }
}

/// True if this process may access a file with `mode`.
func isAccessible(_ path: String, _ mode: Int32) -> Bool { unsafe access(path, mode) == 0 }

/// The time of `CLOCK_MONOTONIC` in nanoseconds.
func hostClock() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Measures the frequency of this processor's time-stamp counter in kHz; no interface reports it reliably.
func counterFrequency() -> UInt64 {
    let (time, cycles) = (hostClock(), clinux_cycles())
    usleep(20_000)
    let (elapsed, counted) = (hostClock() - time, clinux_cycles() &- cycles)
    return elapsed == 0 ? 0 : counted &* 1_000_000 / elapsed
}

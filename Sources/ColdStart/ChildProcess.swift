internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// A program of this machine that we started; it is killed and reaped at the latest when its owner lets go.
///
/// Start it on a thread that lives as long as it does: where `setpriv` is there, the program dies with that thread,
/// and so with us, however we die.
struct ChildProcess: ~Copyable {
    private let process: pid_t
    private var isRunning = true

    /// Starts a program with an empty input; `descriptors` says which of ours become its 1, 2, 3 and so on.
    ///
    /// - Throws: ``SystemError`` if the program cannot be run.
    init(
        _ arguments: [String], descriptors: [Int32], directory: FilePath? = nil, diesWithThread: Bool = false
    ) throws(SystemError) {
        let setpriv = "/usr/bin/setpriv"
        let ties = diesWithThread && isAccessible(setpriv, X_OK)
        let words = (ties ? [setpriv, "--pdeathsig", "KILL"] : []) + arguments
        process = try Spawn.start(
            directory.map { ["env", "-C", $0.string] + words } ?? words, streams: [nil] + descriptors.map { $0 })
    }

    /// Takes over a program that was started.
    init(_ process: pid_t) { self.process = process }

    /// The program's number; it is this program's as long as nobody has waited for it.
    var number: pid_t { process }

    deinit {
        guard isRunning else { return }
        _ = Glibc.kill(process, SIGKILL)
        _ = Spawn.wait(process)
    }

    /// Ends the program at once.
    mutating func kill() { _ = Glibc.kill(process, SIGKILL) }

    /// Waits for the program's end: its exit status, or `nil` if a signal ended it.
    mutating func wait() -> Int32? {
        let end = Spawn.wait(process)
        isRunning = false
        return end.status
    }
}

/// A pipe, of which we read one end and a program that we start writes to the other.
struct Pipe: ~Copyable {
    let reading: OwnedDescriptor
    private var writer: OwnedDescriptor?

    init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        try system("make pipe") { unsafe clinux_pipe(&ends) }
        reading = OwnedDescriptor(owning: ends[0])
        writer = OwnedDescriptor(owning: ends[1])
    }

    /// The end that is passed on.
    var writing: Int32 {
        switch writer {
        case .some(let descriptor): descriptor.rawValue
        case .none: -1
        }
    }

    /// Leaves the other end to the program, so that its end is the end of the pipe.
    mutating func closeWriting() { writer = nil }
}

/// Says "stop" to a thread that waits in ``waitForInput(_:until:)``.
final class Canceller: Sendable {
    /// Has input once somebody cancelled.
    let reading: OwnedDescriptor
    private let writing: OwnedDescriptor

    init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        try system("make pipe") { unsafe clinux_pipe(&ends) }
        reading = OwnedDescriptor(owning: ends[0])
        writing = OwnedDescriptor(owning: ends[1])
    }

    /// May be called from anywhere; a second call changes nothing.
    func cancel() { _ = try? writing.write([0]) }
}

/// Waits until one of the descriptors has input or was closed, or the host clock passes `deadline`.
///
/// - Returns: which of them are ready; none when the time is over.
func waitForInput(_ descriptors: [Int32], until deadline: UInt64) throws(SystemError) -> [Bool] {
    var watches = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    while true {
        let now = hostClock()
        guard now < deadline else { return descriptors.map { _ in false } }
        let patience = Int32(clamping: (deadline - now) / 1_000_000 + 1)
        let ready = try system("poll") { unsafe poll(&watches, nfds_t(watches.count), patience) }
        if ready > 0 { return watches.map { $0.revents != 0 } }
    }
}

/// Whether this process may use a file as `mode` says.
func isAccessible(_ path: String, _ mode: Int32) -> Bool { unsafe access(path, mode) == 0 }

/// Nanoseconds of `CLOCK_MONOTONIC`.
func hostClock() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// How fast this processor's time-stamp counter runs, in kHz; measured, for nothing tells it reliably.
func counterFrequency() -> UInt64 {
    let (time, cycles) = (hostClock(), clinux_cycles())
    usleep(20_000)
    let (elapsed, counted) = (hostClock() - time, clinux_cycles() &- cycles)
    return elapsed == 0 ? 0 : counted &* 1_000_000 / elapsed
}

// Two programs and the anchor, which all containers share; made once in a process.

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// The programs that children execute instead of this process's own, in sealed memory files; see launcher.c.
enum Launcher {
    private static let launcher = Result { () throws(SystemError) in
        SharedDescriptor(OwnedDescriptor(owning: try system("make launcher") { clinux_make_launcher() }))
    }
    private static let holder = Result { () throws(SystemError) in
        SharedDescriptor(OwnedDescriptor(owning: try system("make holder") { clinux_make_holder() }))
    }

    /// Returns the descriptor of the program that executes a command; open until this process ends.
    static func descriptor() throws(SystemError) -> Int32 { try launcher.get().rawValue }

    /// Returns the descriptor of the program that only waits.
    static func holderDescriptor() throws(SystemError) -> Int32 { try holder.get().rawValue }
}

/// A PID namespace whose init, the anchor, ends with this process.
///
/// Every container's PID namespace is made inside it. When its init ends, the kernel kills all processes in them. That
/// holds if a container cleared its own parent-death signal, and also after this process was killed. The anchor isn't
/// part of a container, so no container sees it.
enum Anchor {
    private static let made = Result { () throws(SystemError) in try start() }

    /// Returns the descriptor of the namespace; open until this process ends.
    static func namespace() throws(SystemError) -> Int32 { try made.get().rawValue }

    /// Starts the anchor on a thread that lasts as long as the process, because the anchor ends with its thread.
    private static func start() throws(SystemError) -> SharedDescriptor {
        let holder = try Launcher.holderDescriptor()
        let pipe = try Pipe()
        let answer = try Pipe()
        let (status, answering) = (pipe.start.rawValue, answer.start.rawValue)
        let isStarted = WorkerThread.startIfPossible {
            var result = [clinux_start_anchor(holder, status), errno]
            _ = unsafe write(answering, &result, MemoryLayout<Int32>.size * 2)
            while true { pause() }
        }
        guard isStarted else { throw SystemError("start thread", nil, .resourceTemporarilyUnavailable) }
        var wait = pollfd(fd: answer.end.rawValue, events: Int16(POLLIN), revents: 0)
        try system("wait for the anchor") { unsafe poll(&wait, 1, -1) }
        let bytes = try Pipe.drain(answer.end)
        let result = unsafe bytes.withUnsafeBytes { unsafe Array($0.bindMemory(to: Int32.self)) }
        guard result.count == 2, result[0] >= 0 else {
            throw SystemError("make PID namespace", nil, Errno(rawValue: result.last ?? EIO))
        }
        return SharedDescriptor(OwnedDescriptor(owning: result[0]))
    }
}

/// A descriptor with several readers, closed after the last one.
final class SharedDescriptor: Sendable {
    private let descriptor: OwnedDescriptor

    init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }

    var rawValue: Int32 { descriptor.rawValue }
}

extension Container {
    /// Kills every container of this process and waits for their end, two seconds at most.
    ///
    /// For a signal handler that ends the process afterwards: it may interrupt any code, and it reaps the exit statuses
    /// that other threads wait for.
    public static func killAll() {
        _ = clinux_end_containers(2000)
    }

    /// True after a call of ``killAll()``, which then is the reason for which containers end.
    public static var areAllKilled: Bool { clinux_is_ending() != 0 }
}

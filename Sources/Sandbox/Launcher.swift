// What every container needs besides its own parts, made once in a process: two programs and the anchor.

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

    /// The descriptor of the program that executes a command, for the life of the process.
    static func descriptor() throws(SystemError) -> Int32 { try launcher.get().rawValue }

    /// The descriptor of the program that waits.
    static func holderDescriptor() throws(SystemError) -> Int32 { try holder.get().rawValue }
}

/// A PID namespace whose init, the anchor, ends with this process.
///
/// Every container's PID namespace is made inside it. When its init ends the kernel kills all of them, whatever they
/// did to their own parent-death signals: also after this process was killed. The anchor is no member of a container,
/// so no container sees it.
enum Anchor {
    private static let made = Result { () throws(SystemError) in try start() }

    private static let home = Result { () throws(SystemError) in
        SharedDescriptor(try OwnedDescriptor("/proc/self/ns/pid"))
    }

    /// The descriptors of the namespace and of this process's own, for the life of the process.
    static func namespaces() throws(SystemError) -> (anchor: Int32, home: Int32) {
        (try made.get().rawValue, try home.get().rawValue)
    }

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
    /// For the handler of a signal, which ends the process afterwards: it may interrupt any code, and takes the exit
    /// statuses that other threads wait for.
    public static func killAll() {
        _ = clinux_end_containers(2000)
    }

    /// True once ``killAll()`` was called: the ends of containers are its doing.
    public static var areAllKilled: Bool { clinux_is_ending() != 0 }
}

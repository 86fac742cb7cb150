// The standard input, output and error of a command, and the code that serves their other ends.

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// The three descriptors of a command and their other ends; used by its container's thread alone.
protocol Streams: AnyObject {
    /// The descriptors of the command.
    var descriptors: (input: Int32, output: Int32, error: Int32) { get }
    /// The terminal of the descriptors; nil if they are none.
    var terminal: PseudoTerminal? { get }
    /// Sets the owner of the command's ends, as IDs of this process.
    ///
    /// A command may open its own streams again with /dev/stdout.
    func setOwner(uid: UInt32, gid: UInt32) throws(SystemError)
    /// Closes this process's copies of the command's ends, once the command has them.
    func release()
    /// Serves the other ends until the process behind `pidfd` has ended.
    func serve(until pidfd: borrowing OwnedDescriptor) throws
}

/// A command without input, whose output is passed to a closure.
final class CapturedStreams: Streams {
    private let input: OwnedDescriptor
    private let output: StreamPipe
    private let error: StreamPipe
    private let receive: Container.OutputHandler
    let terminal: PseudoTerminal? = nil

    init(_ receive: @escaping Container.OutputHandler) throws(SystemError) {
        self.receive = receive
        // An empty pipe, as in BuildKit: with the host's /dev/null, the container could open it as /dev/stdin.
        var ends: [Int32] = [-1, -1]
        try system("make pipe") { unsafe clinux_pipe(&ends) }
        input = OwnedDescriptor(owning: ends[0])
        close(ends[1])
        output = try StreamPipe()
        error = try StreamPipe()
    }

    var descriptors: (input: Int32, output: Int32, error: Int32) {
        (input.rawValue, output.start, error.start)
    }

    func setOwner(uid: UInt32, gid: UInt32) throws(SystemError) {
        for end in [input.rawValue, output.start, error.start] {
            try system("set the owner of a pipe") { fchown(end, uid, gid) }
        }
    }

    func release() {
        output.closeStart()
        error.closeStart()
    }

    func serve(until pidfd: borrowing OwnedDescriptor) throws {
        try Pipe.forward(output.end, error: error.end, until: pidfd, receive: receive)
    }
}

/// A pipe whose writing end is closed before its reading end.
private final class StreamPipe {
    let end: OwnedDescriptor
    /// The descriptor of the writing end while it is open, else -1.
    private(set) var start: Int32

    init() throws(SystemError) {
        let pipe = try Pipe()
        end = pipe.end
        start = pipe.start.release()
    }

    deinit {
        closeStart()
    }

    func closeStart() {
        if start >= 0 { close(start) }
        start = -1
    }
}

/// A command that has this process's own streams.
final class InheritedStreams: Streams {
    let descriptors: (input: Int32, output: Int32, error: Int32)
    let terminal: PseudoTerminal? = nil

    init(_ descriptors: (input: Int32, output: Int32, error: Int32)) {
        self.descriptors = descriptors
    }

    /// The streams keep their owner.
    func setOwner(uid: UInt32, gid: UInt32) {}

    func release() {}

    func serve(until pidfd: borrowing OwnedDescriptor) throws {
        var wait = pollfd(fd: pidfd.rawValue, events: Int16(POLLIN), revents: 0)
        try system("wait for the container") { unsafe poll(&wait, 1, -1) }
    }
}

// The output of a command without /proc: its pipes have names, so opening /dev/stdout gives its own stdout.

internal import Glibc
internal import Linux
internal import SystemPackage

/// A command without input, whose output is passed to a closure.
///
/// Its stdout and stderr are /dev/stdout and /dev/stderr. There is no /dev/stdin: a pipe between two programs has no
/// name here, and ENOENT is better than a wrong input.
final class NamedStreams: Streams {
    private let input: OwnedDescriptor
    private let output: NamedPipe
    private let error: NamedPipe
    private let receive: Container.OutputHandler
    let terminal: PseudoTerminal? = nil

    init(_ receive: @escaping Container.OutputHandler, in devices: Directory) throws(SystemError) {
        self.receive = receive
        input = try OwnedDescriptor("/dev/null")
        output = try NamedPipe("stdout", in: devices)
        error = try NamedPipe("stderr", in: devices)
    }

    var descriptors: (input: Int32, output: Int32, error: Int32) { (input.rawValue, output.start, error.start) }

    /// Does nothing: every user may open the pipes.
    func setOwner(uid: UInt32, gid: UInt32) {}

    func release() {
        output.closeStart()
        error.closeStart()
    }

    func serve(until pidfd: borrowing OwnedDescriptor) throws {
        try Pipe.forward(output.end, error: error.end, until: pidfd, receive: receive)
    }
}

/// A pipe with a name.
///
/// A command that closed its end may open it again, so a pipe without a writer is not at its end.
private final class NamedPipe {
    let end: OwnedDescriptor
    /// The descriptor of the writing end while it is open, else -1.
    private(set) var start: Int32

    init(_ name: FilePath, in directory: Directory) throws(SystemError) {
        try directory.makeNode(name, type: .fifo, mode: 0o666)
        try directory.setMode(of: name, 0o666)
        end = try directory.open(name, [.readWrite, .nonBlocking])
        start = try directory.open(name, .write).release()
    }

    deinit {
        closeStart()
    }

    func closeStart() {
        if start >= 0 { close(start) }
        start = -1
    }
}

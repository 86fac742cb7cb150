// A terminal of the container's own, connected to the caller's terminal.
//
//     caller's terminal ── raw ──► this process ──► master ══ slave ──► the command
//
// The command never gets the caller's own terminal: it could type commands there that the caller's shell then runs.

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// The first terminal of a container's /dev/pts.
final class PseudoTerminal {
    /// The devpts file system of the container.
    let mount: Directory
    let master: OwnedDescriptor
    let slave: OwnedDescriptor

    init() throws(SystemError) {
        var options: [(key: String, value: String?)] = [("ptmxmode", "0666"), ("mode", "0620")]
        // The group tty, which a user namespace may not map.
        if try IDMap.current().hasGroup(5) { options.append(("gid", "5")) }
        let made = try Mount.make("devpts", options: options, attributes: [.noSetUID, .noExecution])
        mount = Directory(owning: OwnedDescriptor(owning: made.release()), path: "/dev/pts")
        let quiet = OpenFlags(rawValue: O_NOCTTY)
        let master = try mount.open("ptmx", [.readWrite, .nonBlocking, quiet])
        try system("unlock terminal") { clinux_unlock_terminal(master.rawValue) }
        self.master = master
        slave = try mount.open("0", [.readWrite, quiet])
    }
}

/// A command at a terminal.
final class TerminalStreams: Streams {
    let terminal: PseudoTerminal?
    private let pair: PseudoTerminal
    private let input: Int32
    private let output: Int32

    /// Streams connected to the terminal `input`; the command's output goes to `output`.
    init(input: Int32, output: Int32) throws(SystemError) {
        pair = try PseudoTerminal()
        terminal = pair
        self.input = input
        self.output = output
        clinux_copy_size(input, pair.master.rawValue)
    }

    var descriptors: (input: Int32, output: Int32, error: Int32) {
        (pair.slave.rawValue, pair.slave.rawValue, pair.slave.rawValue)
    }

    /// Sets only the owner; the group stays tty.
    func setOwner(uid: UInt32, gid: UInt32) throws(SystemError) {
        try system("give terminal to user") { fchown(pair.slave.rawValue, uid, gid_t.max) }
    }

    func release() {}

    func serve(until pidfd: borrowing OwnedDescriptor) throws {
        let mode = try RawMode(of: input)
        defer { mode.restore() }
        clinux_follow_size(input, pair.master.rawValue)
        defer { clinux_follow_size(-1, -1) }
        try relay(until: pidfd)
    }

    /// Copies bytes both ways; reads no more input than the command takes.
    private func relay(until pidfd: borrowing OwnedDescriptor) throws(SystemError) {
        var typed: [UInt8] = []
        var isOpen = true
        while true {
            let master = Int16(POLLIN) | (typed.isEmpty ? 0 : Int16(POLLOUT))
            var waits = [
                pollfd(fd: pidfd.rawValue, events: Int16(POLLIN), revents: 0),
                pollfd(fd: pair.master.rawValue, events: master, revents: 0),
                pollfd(fd: isOpen && typed.isEmpty ? input : -1, events: Int16(POLLIN), revents: 0),
            ]
            try system("wait for the terminal") { unsafe poll(&waits, 3, -1) }
            try show()
            if waits[0].revents != 0 { return }
            if waits[2].revents != 0 {
                typed = try Self.bytes(input) ?? []
                isOpen = !typed.isEmpty
            }
            if !typed.isEmpty { typed.removeFirst(try write(typed)) }
        }
    }

    /// Copies the command's output to the caller's terminal.
    private func show() throws(SystemError) {
        while let bytes = try Self.bytes(pair.master.rawValue), !bytes.isEmpty {
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(output, $0.baseAddress, $0.count) }
                if count < 0, errno != EINTR { throw SystemError("write to the terminal", nil, Errno(rawValue: errno)) }
                rest = rest.dropFirst(max(count, 0))
            }
        }
    }

    /// Writes to the command's side; returns the number of bytes accepted.
    private func write(_ bytes: [UInt8]) throws(SystemError) -> Int {
        let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(pair.master.rawValue, $0.baseAddress, $0.count) }
        if count >= 0 || errno == EAGAIN || errno == EINTR { return max(count, 0) }
        throw SystemError("write to the container's terminal", nil, Errno(rawValue: errno))
    }

    /// Reads without waiting: nil if no bytes are available, an empty array at the end.
    ///
    /// The end is EIO once no process has the slave open.
    private static func bytes(_ descriptor: Int32) throws(SystemError) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
        if count >= 0 { return Array(buffer.prefix(count)) }
        if errno == EIO { return [] }
        if errno == EAGAIN || errno == EINTR { return nil }
        throw SystemError("read from the terminal", nil, Errno(rawValue: errno))
    }
}

/// A terminal in raw mode, which passes every key on unchanged.
private struct RawMode {
    private let descriptor: Int32
    private let before: termios

    init(of descriptor: Int32) throws(SystemError) {
        var mode = termios()
        try system("get the mode of the terminal") { unsafe tcgetattr(descriptor, &mode) }
        self.descriptor = descriptor
        before = mode
        unsafe cfmakeraw(&mode)
        try system("set the mode of the terminal") { unsafe tcsetattr(descriptor, TCSADRAIN, &mode) }
    }

    func restore() {
        var mode = before
        _ = unsafe tcsetattr(descriptor, TCSADRAIN, &mode)
    }
}

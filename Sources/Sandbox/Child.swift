// One child: how it is started, what it says, how it ends. Used by its container's thread alone.

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// A process that runs its command, and what has to be done when it ends.
final class Child: Sendable {
    let process: Int32
    let pidfd: OwnedDescriptor
    /// CLOCK_MONOTONIC in nanoseconds: before clone, and when the command was being executed.
    let clonedAt: Int64
    let executedAt: Int64
    private let stubs: [Stub]
    private let root: Overlay
    private let group: ControlGroup?

    /// Starts `command`; the caller keeps `streams` open meanwhile.
    init(_ command: Command, on root: Overlay, _ streams: Streams) throws {
        var command = command
        let launched: Launched
        do {
            group = try ControlGroup(for: command)
            if let limit = command.processLimit, Place.all[.processes] == nil {
                command.limits.append(.processes(limit))
            }
            launched = try Launched(command, root, streams, group)
        } catch let failure as SystemError {
            throw failure.errno == .notPermitted ? .notPrivileged : SandboxError.setup(failure)
        }
        if let failure = launched.failure {
            try root.remove(launched.stubs)
            throw failure
        }
        self.root = root
        process = launched.process
        pidfd = OwnedDescriptor(owning: launched.pidfd)
        stubs = launched.stubs
        (clonedAt, executedAt) = launched.times
    }

    /// Lets `attend` serve the streams until the end, and waits for that; then the upper directory is the layer.
    func follow(_ attend: (borrowing OwnedDescriptor) throws -> Void) throws -> ExitStatus {
        let attended = Result { try attend(pidfd) }
        if case .failure = attended { clinux_pidfd_signal(pidfd.rawValue, SIGKILL) }
        var value: Int32 = 0
        let kind = try system("wait for the container") { unsafe clinux_wait(pidfd.rawValue, &value) }
        group?.remove()
        try attended.get()
        try root.remove(stubs)
        return kind == 0 ? .exited(value) : .signalled(value)
    }
}

/// The descriptors that a command has as 0, 1 and 2.
struct Streams {
    let input: Int32
    let output: Int32
    let error: Int32
}

/// What came of one clone.
private struct Launched {
    let process: Int32
    /// Open where `failure` is nil; the caller closes it.
    let pidfd: Int32
    let times: (Int64, Int64)
    let stubs: [Stub]
    let failure: SandboxError?

    init(_ command: Command, _ root: Overlay, _ streams: Streams, _ group: ControlGroup?) throws {
        let host = try HostMounts(command)
        let mount = try root.mount(attributes: command.isPrivileged ? [] : .noDevices)
        let surroundings = Surroundings(
            root: mount.descriptor.rawValue, place: root.work, attachments: try PreparedAttachments(command),
            host: host, devices: try PreparedDevices(command), group: group,
            filter: command.filter)
        var script = Script()
        script.isolate(command, surroundings)
        let status = try Pipe(isNonBlocking: true)
        var (process, pidfd, times) = (Int32(-1), Int32(-1), [Int64](repeating: 0, count: 2))
        do throws(SystemError) {
            process = try script.start(command, surroundings, streams, status: status.start.rawValue, &pidfd, &times)
        } catch {
            throw error.errno == .notPermitted ? SandboxError.notPrivileged : .setup(error)
        }
        let report = ChildReport(try Pipe.drain(status.readingEnd()))
        let steps = script.count
        let owned = OwnedDescriptor(owning: pidfd)
        if let failure = report.failure {
            var ignored: Int32 = 0
            _ = unsafe clinux_wait(owned.rawValue, &ignored)
            let isCommand = failure.step >= steps
            self.failure =
                isCommand
                ? .command(command.arguments[0], failure.errno)
                : .setup(script.failure(of: failure.step, failure.errno))
            self.pidfd = -1
        } else {
            self.failure = nil
            self.pidfd = owned.release()
        }
        self.process = process
        self.times = (times[0], times[1])
        stubs = report.stubs
    }
}

extension Script {
    fileprivate static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// Clones the child; it has run its steps when this returns.
    fileprivate mutating func start(
        _ command: Command, _ surroundings: Surroundings, _ streams: Streams, status: Int32, _ pidfd: inout Int32,
        _ times: inout [Int64]
    ) throws(SystemError) -> Int32 {
        var environment = command.environment
        if !environment.contains(where: { $0.hasPrefix("HOME=") }) {
            environment.append("HOME=\(command.account.home)")
        }
        let path = environment.last { $0.hasPrefix("PATH=") }.map { String($0.dropFirst(5)) }
        var child = unsafe clinux_child()
        unsafe child.namespaces = surroundings.namespaces(for: command)
        unsafe child.arguments = vector(command.arguments)
        unsafe child.environment = vector(environment)
        unsafe child.search = copy(path ?? Self.defaultPath)
        unsafe child.streams = (streams.input, streams.output, streams.error)
        unsafe child.group = surroundings.group?.unified ?? -1
        unsafe child.status = status
        keep([streams.input, streams.output, streams.error, status])
        return try unsafe begin(child, &pidfd, &times)
    }
}

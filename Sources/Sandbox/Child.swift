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
    private let output: OwnedDescriptor
    private let error: OwnedDescriptor
    private let stubs: [Stub]
    private let root: Overlay

    init(_ command: Command, on root: Overlay) throws {
        let outputPipe = try Pipe()
        let errorPipe = try Pipe()
        let launched: Launched
        do {
            launched = try Launched(command, root, outputPipe.start.rawValue, errorPipe.start.rawValue)
        } catch let failure as SystemError {
            throw failure.errno == .notPermitted ? .notPrivileged : SandboxError.setup(failure)
        }
        if let failure = launched.failure {
            try root.remove(launched.stubs)
            throw failure
        }
        self.root = root
        output = outputPipe.readingEnd()
        error = errorPipe.readingEnd()
        process = launched.process
        pidfd = OwnedDescriptor(owning: launched.pidfd)
        stubs = launched.stubs
        (clonedAt, executedAt) = launched.times
    }

    /// Hands over the output and waits for the end; then the upper directory is the layer.
    func follow(_ receive: Container.Output) throws -> ExitStatus {
        let forwarded = Result { try Pipe.forward(output, error, until: pidfd, receive) }
        if case .failure = forwarded { clinux_pidfd_signal(pidfd.rawValue, SIGKILL) }
        var value: Int32 = 0
        let kind = try system("wait for the container") { unsafe clinux_wait(pidfd.rawValue, &value) }
        try forwarded.get()
        try root.remove(stubs)
        return kind == 0 ? .exited(value) : .signalled(value)
    }
}

/// What came of one clone.
struct Launched {
    let process: Int32
    /// Open where `failure` is nil; the caller closes it.
    let pidfd: Int32
    let times: (Int64, Int64)
    let stubs: [Stub]
    let failure: SandboxError?

    init(_ command: Command, _ root: Overlay, _ output: Int32, _ error: Int32) throws {
        let mount = try root.mount()
        let attachments = try Attachments(command.attachments)
        var script = Script()
        script.isolate(command, root: mount.descriptor.rawValue, place: root.work, attachments.list)
        let status = try Pipe(isNonBlocking: true)
        let input = try OwnedDescriptor("/dev/null")
        var (process, pidfd, times) = (Int32(-1), Int32(-1), [Int64](repeating: 0, count: 2))
        do throws(SystemError) {
            process = try script.start(
                command, (input.rawValue, output, error), status: status.start.rawValue, &pidfd, &times)
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
        _ command: Command, _ streams: (Int32, Int32, Int32), status: Int32, _ pidfd: inout Int32,
        _ times: inout [Int64]
    ) throws(SystemError) -> Int32 {
        var environment = command.environment
        if !environment.contains(where: { $0.hasPrefix("HOME=") }) {
            environment.append("HOME=\(command.account.home)")
        }
        let path = environment.last { $0.hasPrefix("PATH=") }.map { String($0.dropFirst(5)) }
        var child = unsafe clinux_child()
        let isolated = [clinux_new_mounts, clinux_new_uts, clinux_new_ipc, clinux_new_pid, clinux_new_cgroup]
        let namespaces = isolated + (command.network == .none ? [clinux_new_network] : [])
        unsafe child.namespaces = namespaces.reduce(0) { $0 | UInt64($1) }
        unsafe child.arguments = vector(command.arguments)
        unsafe child.environment = vector(environment)
        unsafe child.search = copy(path ?? Self.defaultPath)
        unsafe child.streams = streams
        unsafe child.status = status
        return try unsafe begin(child, &pidfd, &times)
    }
}

/// Mounts that a command asked for, held until the child has attached them.
private struct Attachments: ~Copyable {
    private(set) var list: [(descriptor: Int32, target: FilePath, isDirectory: Bool)] = []

    init(_ attachments: [Attachment]) throws(SystemError) {
        for attachment in attachments {
            let attributes: MountAttributes = attachment.isReadOnly ? .readOnly : []
            let mount: Mount
            switch attachment.source {
            case .host(let path):
                mount = try Mount.bind(path, attributes: attributes)
            case .memory(let size):
                let options = [("mode", "1777")] + (size.map { [("size", "\($0)")] } ?? [])
                mount = try Mount.make("tmpfs", options: options, attributes: attributes)
            }
            let isDirectory = try mount.descriptor.status().type == .directory
            list.append((mount.descriptor.rawValue, attachment.target, isDirectory))
            _ = mount.release()
        }
    }

    deinit {
        for entry in list { close(entry.descriptor) }
    }
}

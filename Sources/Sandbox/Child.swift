// The start, the streams and the end of one child. Used by its container's thread alone.

internal import CLinux
internal import Glibc
internal import Linux
internal import Synchronization
internal import SystemPackage

/// A process that runs its command, and the cleanup after its exit.
final class Child: Sendable {
    let process: Int32
    let pidfd: OwnedDescriptor
    /// CLOCK_MONOTONIC in nanoseconds: before clone, and when the command was being executed.
    let clonedAt: Int64
    let executedAt: Int64
    private let stubs: [Stub]
    private let root: Overlay
    let group: ControlGroup?
    private let network: IsolatedNetwork?
    /// True if another container may use the network afterwards.
    private let isNetworkKept: Bool
    /// The name of groups that a runtime may leave.
    private let foreignGroup: String?
    private let hadForeignKills = Mutex(false)

    /// True if the kernel killed a process of the command because memory ran out.
    ///
    /// For a runtime's own group that is known after the end.
    var ranOutOfMemory: Bool { group?.ranOutOfMemory == true || hadForeignKills.withLock { $0 } }

    /// Starts `command`; afterwards the command holds its ends of `streams`.
    init(
        _ command: Command, on root: Overlay, by runtime: OCIRuntime?, streams: any Streams,
        observer: FileObserver? = nil
    ) throws {
        do {
            let launched: Launched
            if let runtime {
                let launch = try runtime.launch(command, overlay: root, streams: streams.descriptors)
                (group, network, stubs) = (launch.bundle.group, launch.bundle.network, launch.bundle.stubs)
                foreignGroup = launch.groupName
                launched = launch.launched
            } else {
                let resources = try ContainerResources(command, overlay: root, terminal: streams.terminal)
                try observer?.follow(resources.root)
                try streams.setOwner(
                    uid: resources.users.outside(command.account.uid),
                    gid: resources.users.outside(command.account.gid))
                launched = try resources.launch(command, streams.descriptors)
                (group, network, stubs) = (resources.group, resources.network, launched.stubs)
                foreignGroup = nil
            }
            streams.release()
            isNetworkKept = !command.isPrivileged && !command.hosts.contains { $0.address == HostEntry.gateway }
            process = launched.process
            (clonedAt, executedAt) = (launched.clonedAt, launched.executedAt)
            pidfd = launched.pidfd
            self.root = root
        } catch let failure as LaunchFailure {
            try root.remove(failure.stubs)
            let name = runtime?.program.string ?? command.arguments[0]
            throw failure.isCommand ? SandboxError.command(name, failure.error.errno) : .setup(failure.error)
        } catch let failure as SystemError {
            throw failure.errno == .notPermitted ? .notPrivileged : SandboxError.setup(failure)
        }
    }

    /// Serves the streams and waits until the command exits; then the upper directory is the layer.
    func follow(_ streams: any Streams) throws -> ExitStatus {
        let served = Result { try streams.serve(until: pidfd) }
        if case .failure = served { clinux_pidfd_signal(pidfd.rawValue, SIGKILL) }
        var value: Int32 = 0
        let kind = try system("wait for the container") { unsafe clinux_wait(pidfd.rawValue, &value) }
        if let network { isNetworkKept ? PreparedNetwork.keepForReuse(network) : network.end() }
        group?.remove()
        if let foreignGroup, ControlGroup.removeAll(named: foreignGroup) { hadForeignKills.withLock { $0 = true } }
        try served.get()
        try root.remove(stubs)
        return kind == 0 ? .exited(value) : .signalled(value)
    }
}

// A command and its supervisor: their start and their end. Used by its container's thread alone.

internal import CLinux
internal import Glibc
internal import Linux
internal import Synchronization
internal import SystemPackage

/// A command in chroot that has started.
final class SupervisedChild {
    /// The supervisor, which exits after all processes of the command.
    let supervisor: SupervisorProcess
    private let group: ControlGroup?
    /// True if the kernel killed a process of the command because memory ran out; also after the end.
    var ranOutOfMemory: Bool { group?.ranOutOfMemory ?? false }

    init(_ command: Command, in root: Directory, _ streams: any Streams) throws {
        do {
            let ids = try IDMap.current()
            try ids.check(command.account)
            group = try ControlGroup(for: command)
            var script = SetupScript()
            script.enter(root, command: command, group: group, ids: ids)
            var launch = Launch(command, streams: streams.descriptors, namespaces: 0)
            launch.group = group?.unified ?? -1
            launch.isSupervised = true
            let launched = try script.launch(launch)
            streams.release()
            supervisor = SupervisorProcess(launched.pidfd)
        } catch let failure as LaunchFailure {
            let name = command.arguments[0]
            throw failure.isCommand ? SandboxError.command(name, failure.error.errno) : .setup(failure.error)
        } catch let failure as SystemError {
            throw SandboxError.setup(failure)
        }
    }

    /// Serves the streams and waits until all processes have ended.
    func follow(_ streams: any Streams) throws -> ExitStatus {
        let served = Result { try streams.serve(until: supervisor.pidfd) }
        if case .failure = served { supervisor.end() }
        var value: Int32 = 0
        let kind = try system("wait for the supervisor") { unsafe clinux_wait(supervisor.pidfd.rawValue, &value) }
        group?.remove()
        try served.get()
        return kind == 0 ? .exited(value) : .signalled(value)
    }
}

/// A supervisor process.
final class SupervisorProcess: Sendable {
    let pidfd: OwnedDescriptor

    init(_ pidfd: consuming OwnedDescriptor) { self.pidfd = pidfd }

    /// Requests that the supervisor ends the command and everything that it started.
    func end() {
        clinux_pidfd_signal(pidfd.rawValue, SIGTERM)
        // The command may have stopped it.
        clinux_pidfd_signal(pidfd.rawValue, SIGCONT)
    }
}

/// Ends a supervisor as soon as it exists.
final class SupervisorHandle: Sendable {
    private let state = Mutex<(supervisor: SupervisorProcess?, isEnded: Bool)>((nil, false))

    func set(_ supervisor: SupervisorProcess) {
        let isEnded = state.withLock { state in
            state.supervisor = supervisor
            return state.isEnded
        }
        if isEnded { supervisor.end() }
    }

    func end() {
        let supervisor = state.withLock { state in
            state.isEnded = true
            return state.supervisor
        }
        supervisor?.end()
    }
}

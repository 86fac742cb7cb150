// The process of one machine, from its start to its end.
//
// ```
// exec ─► plan ─► no files, no privileges, no rights, filtered system calls ─► machine ─► requests until a hangup
// ```

internal import Glibc
internal import Linux
internal import SystemPackage

/// The entry point of a program that was started as the process of a machine, see ``MachineProcess``.
public enum MachineServer {
    /// The `argv[0]` of such a process, also visible in process lists.
    static let name = "thaw-machine"

    /// Serves a machine and ends the process, if the program was started for that; else does nothing.
    ///
    /// Call it on the first line of a program: the process must have one thread.
    public static func runIfRequested() {
        guard CommandLine.arguments.first == name else { return }
        _ = signal(SIGPIPE, SIG_IGN)
        // The process list shows this name instead of the last component of its path.
        Confinement.setName(name)
        let control = ControlChannel(MachinePlan.Number.control)
        guard case .make(let plan)? = control.channel.receive().flatMap(MachineRequest.init) else { _exit(64) }
        do throws(MachineError) {
            try enterJail(plan)
            try ServedMachine(plan, control).serve()
        } catch { control.send(.failed(error)) }
        _exit(0)
    }

    /// Drops all rights that the machine doesn't need, before it reads anything of the guest or of a snapshot.
    private static func enterJail(_ plan: MachinePlan) throws(MachineError) {
        do throws(SystemError) {
            guard try Directory("/proc/self/task").entries().count == 1 else {
                throw SystemError("confine a process with several threads", nil, .resourceBusy)
            }
            try MemoryOverhead.prepare()
            if plan.hasNamespaces { try Confinement.leaveFiles() }
            try SpareUser.become(plan.identity)
        } catch { throw .host(error.operation, error.path, error.errno) }
        try Jail.process.enter()
    }
}

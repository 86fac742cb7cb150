// The process of one machine, from its start to its end.
//
// ```
// exec ─► plan ─► no files, no privileges, no rights, filtered system calls ─► machine ─► requests until the other end closes
// ```

internal import Glibc
internal import Linux
internal import SystemPackage

/// What a program does that was started as the process of a machine, see ``MachineProcess``.
public enum MachineServer {
    /// The name by which a program knows that it is one, and that a list of processes shows.
    static let name = "thaw-machine"

    /// Serves a machine and ends the process, where the program was started for that; else does nothing.
    ///
    /// For the first line of a program: the process must have one thread.
    public static func runIfWanted() {
        guard CommandLine.arguments.first == name else { return }
        _ = signal(SIGPIPE, SIG_IGN)
        // It was started by a path that has another name at its end.
        Confinement.setName(name)
        let control = ControlLine(MachinePlan.Number.control)
        guard case .make(let plan)? = control.channel.receive().flatMap(MachineRequest.init) else { _exit(64) }
        do throws(MachineError) {
            try enterJail(plan)
            try ServedMachine(plan, control).serve()
        } catch { control.send(.failed(error)) }
        _exit(0)
    }

    /// Gives up all that the machine does not need, before anything of the guest's or of a snapshot is read.
    private static func enterJail(_ plan: MachinePlan) throws(MachineError) {
        do throws(SystemError) {
            guard try Directory("/proc/self/task").entries().count == 1 else {
                throw SystemError("confine a process with several threads", nil, .resourceBusy)
            }
            try Overhead.prepare()
            if plan.hasNamespaces { try Confinement.leaveFiles() }
            try Identity.become(plan.identity)
        } catch { throw .host(error.operation, error.path, error.errno) }
        try Jail.process.enter()
    }
}

// The steps of a command in chroot: those of Isolation.swift that need no mount or namespace.

internal import CLinux
internal import Linux
internal import SystemPackage

extension SetupScript {
    /// Adds the steps from a supervisor's child to the command.
    mutating func enter(_ root: Directory, command: Command, group: ControlGroup?, ids: IDMap) {
        for list in group?.lists ?? [] {
            add(clinux_step_join_group, operation: "enter control group", descriptor: list)
        }
        limitCPUs(command.cpus)
        beginInner()
        add(clinux_step_chroot, operation: "change root", path: root.path.string, descriptor: root.descriptor.rawValue)
        // Without CAP_SYS_ADMIN a filter needs no_new_privs, which would disable set-uid programs.
        let filter = clinux_is_administrator() == 0 ? nil : command.filter(for: .own)
        takeIdentity(command, filter: filter, ids: ids)
    }
}

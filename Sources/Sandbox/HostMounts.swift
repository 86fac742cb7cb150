// Mounts of the host that replace those which a user namespace may not make.

internal import Glibc
internal import Linux
internal import SystemPackage

/// The host's /proc and /sys, held until a child has attached them; both are -1 outside a user namespace.
///
/// The kernel refuses a new /proc if the host's is partly hidden, as in a container. It refuses a new /sys if the
/// network is the host's. These mounts replace them.
final class HostMounts {
    /// The IDs that the child may take.
    let ids: IDMap
    /// The host's /proc.
    private(set) var processes: Int32 = -1
    /// The host's /sys.
    private(set) var kernel: Int32 = -1

    init(_ command: Command, _ users: ContainerUsers) throws {
        ids = try users.ids()
        guard !ids.isInitial else { return }
        try ids.check(command.account)
        let harmless: MountAttributes = [.noSetUID, .noDevices, .noExecution]
        processes = try Mount.bind("/proc", attributes: harmless).release()
        kernel = try Mount.bind("/sys", attributes: command.isPrivileged ? harmless : harmless.union(.readOnly))
            .release()
    }

    deinit {
        for descriptor in [processes, kernel] where descriptor >= 0 { close(descriptor) }
    }
}

extension IDMap {
    /// Throws if a process can't take the account's IDs.
    func check(_ account: Account) throws(SandboxError) {
        if !hasUser(account.uid) { throw .unmapped("user \(account.uid)") }
        for group in account.groups where !hasGroup(group) { throw .unmapped("group \(group)") }
    }
}

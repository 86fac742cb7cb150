// What a user namespace may not make, and therefore takes from the host.

internal import Glibc
internal import Linux
internal import SystemPackage

/// The host's /proc and /sys, held until a child has attached them. Outside a user namespace they are not needed, and
/// both are -1.
///
/// A new /proc is refused where the host's is partly hidden, as in a container, a new /sys where the network is the
/// host's: then these stand in for them.
final class HostMounts {
    /// The numbers that the child may become.
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
    /// Whether a process can become this account.
    func check(_ account: Account) throws(SandboxError) {
        if !hasUser(account.uid) { throw .unmapped("user \(account.uid)") }
        for group in [account.gid] + account.groups where !hasGroup(group) { throw .unmapped("group \(group)") }
    }
}

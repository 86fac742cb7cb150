// The isolation of a command from the host: the steps of its two children, in their order.

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// Docker's lists of hidden and read-only paths, and the links of /dev.
enum MaskedPaths {
    static let masked = [
        "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
        "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
        "/sys/devices/virtual/powercap",
    ]
    static let readOnly = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
    static let links = [
        ("pts/ptmx", "/dev/ptmx"), ("/proc/self/fd", "/dev/fd"), ("/proc/self/fd/0", "/dev/stdin"),
        ("/proc/self/fd/1", "/dev/stdout"), ("/proc/self/fd/2", "/dev/stderr"),
    ]
}

private let noSetUID = UInt64(MS_NOSUID)
private let noDevices = UInt64(MS_NODEV)
private let noExecution = UInt64(MS_NOEXEC)

extension SetupScript {
    /// Adds all steps from the first clone to the command.
    ///
    /// - Parameter listener: The socket to which the child sends the listener of its seccomp filter, if it has one.
    mutating func isolate(_ command: Command, _ resources: borrowing ContainerResources, listener: Int32) {
        enterGroups(resources)
        limitCPUs(command.cpus)
        if let network = resources.network {
            add(
                clinux_step_join_namespace, operation: "enter network", descriptor: network.namespace.rawValue,
                flags: UInt64(clinux_new_network))
        }
        if let users = resources.users.namespace {
            add(
                clinux_step_join_namespace, operation: "enter user namespace", descriptor: users,
                flags: UInt64(clinux_new_users))
        }
        beginInner()
        if resources.users.namespace != nil {
            add(clinux_step_become_root, operation: "become root of the user namespace")
        }
        add(clinux_step_isolate_mounts, operation: "make mounts private", path: "/")
        // A directory that root of a user namespace can look up. It can't be /: a mount on / would stay when the old
        // root is unmounted.
        let place = "/proc"
        makeAttachments(resources.attachments, place)
        makeDevices(resources.devices, place)
        add(clinux_step_attach, operation: "mount overlay", path: place, descriptor: resources.root.descriptor.rawValue)
        add(
            clinux_step_enter, operation: "enter root file system", path: place,
            descriptor: resources.root.descriptor.rawValue)
        add(clinux_step_hostname, operation: "set host name", path: command.hostname)
        if command.network != .host { add(clinux_step_loopback, operation: "bring up loopback") }
        mountKernelFiles(resources.host, isWritable: command.isPrivileged)
        // Only now: in a user namespace the kernel refuses a new /proc if no other /proc is visible.
        add(clinux_step_leave, operation: "leave the host's file system", path: "/")
        mountDevices(resources, sharedMemory: command.sharedMemorySize)
        for entry in resources.attachments.entries {
            let stub = entry.isDirectory ? clinux_step_stub_directory : clinux_step_stub_file
            add(stub, operation: "make mount point", path: entry.target.string)
            add(clinux_step_place, operation: "mount", path: entry.target.string, descriptor: entry.descriptor)
        }
        if !command.isPrivileged {
            for path in MaskedPaths.readOnly { add(clinux_step_protect, operation: "make read-only", path: path) }
            for mask in resources.devices.masks {
                add(clinux_step_mask, operation: "hide", path: mask.target, descriptor: mask.descriptor)
            }
        }
        takeIdentity(command, filter: resources.filter, ids: resources.host.ids, listener: listener)
    }

    private mutating func enterGroups(_ resources: borrowing ContainerResources) {
        guard let group = resources.group, resources.entersGroups else { return }
        for list in group.lists { add(clinux_step_join_group, operation: "enter control group", descriptor: list) }
    }

    /// Attaches the stack of the devices, from which the container's nodes are cloned.
    private mutating func makeDevices(_ devices: PreparedDevices, _ place: String) {
        add(clinux_step_attach, operation: "mount", path: place, descriptor: devices.memory.descriptor.rawValue)
        for node in devices.mounts where node.isCloned {
            add(clinux_step_clone, operation: "mount device for", path: node.target, descriptor: node.descriptor)
        }
        for mask in devices.masks {
            add(
                clinux_step_clone, operation: "mount for", path: mask.target, descriptor: mask.descriptor,
                flags: UInt64(MountAttributes.readOnly.rawValue))
        }
    }

    /// Makes the mounts that can only be cloned from attached mounts; those are unmounted with the old root.
    mutating func makeAttachments(_ attachments: PreparedAttachments, _ place: String) {
        for stack in attachments.stacks {
            add(clinux_step_attach, operation: "mount", path: place, descriptor: stack.descriptor.rawValue)
        }
        for entry in attachments.entries {
            guard let attributes = entry.cloned else { continue }
            add(
                clinux_step_clone, operation: "mount for", path: entry.target.string, descriptor: entry.descriptor,
                flags: UInt64(attributes.rawValue))
        }
    }

    private mutating func mountKernelFiles(_ host: HostMounts, isWritable: Bool) {
        add(clinux_step_true_directory, operation: "make mount point", path: "/proc")
        mount("proc", "/proc", flags: noSetUID | noDevices | noExecution, orElse: host.processes)
        add(clinux_step_true_directory, operation: "make mount point", path: "/sys")
        let readOnly = isWritable ? 0 : UInt64(MS_RDONLY)
        mount("sysfs", "/sys", flags: noSetUID | noDevices | noExecution | readOnly, orElse: host.kernel)
    }

    private mutating func mountDevices(_ resources: borrowing ContainerResources, sharedMemory: Int) {
        let devices = resources.devices
        add(clinux_step_true_directory, operation: "make mount point", path: "/dev")
        let flags = devices.nodes.isEmpty ? noSetUID | noDevices : noSetUID
        mount("tmpfs", "/dev", flags: flags, data: "mode=755,size=65536k")
        for node in devices.mounts {
            add(clinux_step_make_node, operation: "make node", path: node.target, mode: UInt32(S_IFREG) | 0o666)
            add(clinux_step_place, operation: "mount", path: node.target, descriptor: node.descriptor)
        }
        for node in devices.nodes { make(node) }
        for (target, path) in MaskedPaths.links {
            add(clinux_step_make_link, operation: "make link", path: path, source: target)
        }
        for name in ["pts", "shm", "mqueue"] {
            add(clinux_step_make_directory, operation: "make directory", path: "/dev/\(name)", mode: 0o755)
        }
        let owner = resources.host.ids.hasGroup(5) ? ",gid=5" : ""
        if let terminal = resources.terminal {
            add(
                clinux_step_place, operation: "mount devpts", path: "/dev/pts",
                descriptor: terminal.mount.descriptor.rawValue)
            add(
                clinux_step_terminal, operation: "take terminal", path: "/dev/pts/0",
                descriptor: terminal.slave.rawValue)
        } else {
            mount(
                "devpts", "/dev/pts", flags: noSetUID | noExecution, data: "newinstance,ptmxmode=0666,mode=0620\(owner)"
            )
        }
        let size = "mode=1777,size=\(sharedMemory)"
        mount("tmpfs", "/dev/shm", flags: noSetUID | noDevices | noExecution, data: size)
        mount("mqueue", "/dev/mqueue", flags: noSetUID | noDevices | noExecution)
    }

    private mutating func make(_ node: HostNode) {
        guard node.status.type != .directory else {
            return add(clinux_step_make_directory, operation: "make directory", path: node.path, mode: node.status.mode)
        }
        add(
            clinux_step_make_node, operation: "make node", path: node.path,
            mode: node.status.type.bits | node.status.mode,
            flags: clinux_makedev(node.status.major, node.status.minor))
    }

    /// Mounts a new file system, or the mount `orElse` if a new one is not permitted.
    private mutating func mount(
        _ type: String, _ path: String, flags: UInt64, data: String? = nil, orElse: Int32 = -1
    ) {
        add(
            clinux_step_mount, operation: "mount \(type)", path: path, source: type, type: type, data: data,
            descriptor: orElse,
            flags: flags)
    }

    /// Adds the last steps: limits, the working directory, capabilities, the filter and the account.
    mutating func takeIdentity(_ command: Command, filter: SeccompFilter?, ids: IDMap, listener: Int32 = -1) {
        let account = command.account
        for limit in command.limitsWithoutGroup {
            add(
                clinux_step_limit, operation: "set the limit of \(limit.name ?? "resource \(limit.resource)")",
                mode: limit.resource, flags: limit.soft,
                more: limit.hard)
        }
        var prefix = FilePath("/")
        for component in command.workingDirectory.components {
            prefix.append(component)
            add(
                clinux_step_owned_directory, operation: "make working directory", path: prefix.string,
                flags: UInt64(account.uid),
                more: UInt64(account.gid))
        }
        let capabilities = (command.isPrivileged ? Capabilities.all : command.capabilities).rawValue
        // As root: the working directory may be one that the user can't enter.
        add(clinux_step_directory, operation: "enter working directory", path: prefix.string)
        add(clinux_step_bound, operation: "drop capabilities", flags: capabilities)
        // Installing a filter needs CAP_SYS_ADMIN or no_new_privs (seccomp(2)).
        if !command.forbidsNewPrivileges { install(filter, listener) }
        if ids.allowsGroups {
            add(clinux_step_groups, operation: "set groups", mode: UInt32(account.groups.count), list: account.groups)
        }
        add(
            clinux_step_identity, operation: "become user \(account.uid)", flags: UInt64(account.uid),
            more: UInt64(account.gid))
        if account.uid == 0 { add(clinux_step_capabilities, operation: "set capabilities", flags: capabilities) }
        if command.forbidsNewPrivileges {
            add(clinux_step_no_new_privileges, operation: "forbid new privileges")
            install(filter, listener)
        }
    }

    private mutating func install(_ filter: SeccompFilter?, _ listener: Int32) {
        guard let filter else { return }
        add(
            clinux_step_filter, operation: "install seccomp filter", descriptor: filter.hasListener ? listener : -1,
            mode: UInt32(filter.words.count / 2), list: filter.words)
    }
}

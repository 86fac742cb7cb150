// A container's command: its arguments, view and permissions.

public import Linux
public import SystemPackage

/// A command and the settings of its container.
public struct Command: Sendable {
    /// The arguments; the first is looked up in PATH unless it holds a slash.
    public var arguments: [String]
    /// The variables as `NAME=value`.
    ///
    /// PATH has a default for the look-up. HOME comes from the account if it isn't set here.
    public var environment: [String]
    /// The directory in which it starts; made with the account as owner if it is missing.
    public var workingDirectory: FilePath
    /// The user and groups of the command.
    public var account: Account
    /// The user and group numbers that it has on this machine.
    public var users: Users
    /// The host name inside the container.
    public var hostname: String
    /// The network that the command sees.
    public var network: Network
    /// Entries of /etc/hosts besides localhost and the container's own name.
    public var hosts: [HostEntry]
    /// The capabilities of root inside; other users have none, but set-uid programs may get them.
    public var capabilities: Capabilities
    /// The system calls that the kernel allows.
    public var seccomp: SeccompProfile
    /// True for almost all permissions of root on the host.
    ///
    /// That is every capability, every system call and the host's devices; nothing in /proc and /sys is hidden or
    /// read-only.
    public var isPrivileged: Bool
    /// The further mounts, in order.
    ///
    /// /etc/hosts and /etc/resolv.conf are always mounted read-only, unless an attachment has their path.
    public var attachments: [Attachment]
    /// Limits set before the command starts.
    public var limits: [Limit]
    /// The limit of concurrent processes and threads; see ``Container/shortfalls(of:)``.
    public var processLimit: Int?
    /// The limit of memory of all processes together, in bytes.
    public var memoryLimit: Int64?
    /// The limit of memory and swap together, next to ``memoryLimit``; nil for no swap.
    public var swapLimit: SwapLimit?
    /// The limits of CPU time, and the CPUs that the processes see.
    public var cpus: CPULimits
    /// True if set-uid programs gain no privileges (no_new_privs).
    public var forbidsNewPrivileges: Bool
    /// The limit of /dev/shm, in bytes.
    public var sharedMemorySize: Int

    /// A command with Docker's defaults, run as root in `/` with the host's network.
    public init(_ arguments: [String], environment: [String] = []) {
        self.arguments = arguments
        self.environment = environment
        workingDirectory = "/"
        account = .root
        users = .separate
        hostname = "thaw"
        network = .host
        hosts = []
        capabilities = .standard
        seccomp = .standard
        isPrivileged = false
        attachments = []
        limits = []
        processLimit = nil
        memoryLimit = nil
        swapLimit = nil
        cpus = CPULimits()
        forbidsNewPrivileges = false
        sharedMemorySize = 64 << 20
    }
}

/// The mapping of a command's user and group IDs to this machine's.
public enum Users: String, Sendable, Hashable, Codable, CaseIterable {
    /// A private range if this process is root and the kernel supports idmapped mounts; else the IDs of this process.
    ///
    /// A privileged command, and a command started by an OCI runtime, always has the IDs of this process.
    case separate = "private"
    /// The IDs of this process: root in the container is root on this machine if this process is.
    case host
}

/// A set of capabilities, by the kernel's numbers.
public struct Capabilities: OptionSet, Sendable, Hashable {
    /// One bit for each capability.
    public let rawValue: UInt64

    /// A set from its bits.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Docker's default of fourteen capabilities.
    ///
    /// They are chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service, net_raw,
    /// sys_chroot, mknod, audit_write and setfcap.
    public static let standard = Capabilities(rawValue: 0xa804_25fb)
    /// CAP_NET_RAW: raw and packet sockets.
    public static let rawNetwork = Capabilities(rawValue: 1 << 13)
    /// Every capability that this process has.
    public static let all = Capabilities(rawValue: .max)
}

extension Command {
    /// The seccomp filter of its system calls; nil for none.
    func filter(for users: ContainerUsers) -> SeccompFilter? {
        guard !isPrivileged, seccomp == .standard else { return nil }
        return SeccompFilter.standard(for: capabilities, hasListener: users.kind == .range)
    }
}

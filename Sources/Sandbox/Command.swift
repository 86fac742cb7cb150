// What runs in a container, and what it may see and do.

public import SystemPackage

/// A command with everything that surrounds it.
public struct Command: Sendable {
    /// The words; the first is looked up in PATH unless it holds a slash.
    public var arguments: [String]
    /// The variables as `NAME=value`.
    ///
    /// PATH has a default for the look-up, HOME comes from the account.
    public var environment: [String]
    /// Where it starts; made for its account where it is missing.
    public var workingDirectory: FilePath
    /// Who runs it.
    public var account: Account
    /// The user and group numbers that it has on this machine.
    public var users: Users
    /// The machine's name inside.
    public var hostname: String
    /// Which network it sees.
    public var network: Network
    /// Names that /etc/hosts has besides localhost and the machine's own.
    public var hosts: [HostEntry]
    /// What root may do inside; other users have none, but programs may bring them.
    public var capabilities: Capabilities
    /// Which system calls the kernel answers.
    public var seccomp: SeccompProfile
    /// Whether it may do nearly all that root may on the host: every capability and system call, the host's devices,
    /// nothing hidden or read-only in /proc and /sys.
    public var isPrivileged: Bool
    /// What else is mounted, in order.
    ///
    /// /etc/hosts and /etc/resolv.conf are always there, read-only; an attachment at their place replaces them.
    public var attachments: [Attachment]
    /// Limits set before it starts.
    public var limits: [Limit]
    /// How many processes and threads there may be at once; see ``Container/shortfalls(of:)``.
    public var processLimit: Int?
    /// How many bytes of memory they may use together.
    public var memoryLimit: Int64?
    /// The limit of memory and swap together, beside ``memoryLimit``; nil for no swap.
    public var swapLimit: SwapLimit?
    /// The limits of CPU time, and the CPUs that they see.
    public var cpus: CPULimits
    /// Whether set-uid programs are kept from gaining anything.
    public var forbidsNewPrivileges: Bool
    /// How large /dev/shm may grow, in bytes.
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

/// The user and group numbers that a command has on this machine.
public enum Users: String, Sendable, Hashable, Codable, CaseIterable {
    /// A private range, where this process is root and the kernel can shift owners; else those of this process.
    ///
    /// A privileged command always has those of this process, and so has one that a runtime starts.
    case separate = "private"
    /// Those of this process: root in the container is root on this machine if this process is.
    case host
}

/// A set of capabilities, by the kernel's numbers.
public struct Capabilities: OptionSet, Sendable, Hashable {
    /// One bit each.
    public let rawValue: UInt64

    /// A set from its bits.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The fourteen that Docker leaves: chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap,
    /// net_bind_service, net_raw, sys_chroot, mknod, audit_write, setfcap.
    public static let standard = Capabilities(rawValue: 0xa804_25fb)
    /// CAP_NET_RAW: packets past the network's protocols.
    public static let rawNetwork = Capabilities(rawValue: 1 << 13)
    /// Every capability that this process has.
    public static let all = Capabilities(rawValue: .max)
}

extension Command {
    /// The program that checks its system calls; nil where none does.
    func filter(for users: ContainerUsers) -> SeccompFilter? {
        guard !isPrivileged, seccomp == .standard else { return nil }
        return SeccompFilter.standard(for: capabilities, hasListener: users.kind == .range)
    }
}

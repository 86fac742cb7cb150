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
    /// The machine's name inside.
    public var hostname: String
    /// Which network it sees.
    public var network: Network
    /// What root may do inside; other users have none, but programs may bring them.
    public var capabilities: Capabilities
    /// What else is mounted, in order, such as /etc/resolv.conf.
    public var attachments: [Attachment]
    /// Limits set before it starts.
    public var limits: [Limit]
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
        hostname = "thaw"
        network = .host
        capabilities = .standard
        attachments = []
        limits = []
        forbidsNewPrivileges = false
        sharedMemorySize = 64 << 20
    }
}

/// Which network a container sees.
public enum Network: Sendable, Hashable {
    /// The host's.
    case host
    /// One of its own that holds nothing but loopback, which is up.
    case none
}

/// Something mounted into a container.
///
/// Missing mount points are made, and do not stay in the layer.
public struct Attachment: Sendable, Hashable {
    /// Where its content comes from.
    public enum Source: Sendable, Hashable {
        /// A file or directory of the host.
        case host(FilePath)
        /// Memory, empty at first; at most so many bytes, where a number is given.
        case memory(size: Int?)
    }

    /// Where its content comes from.
    public var source: Source
    /// Its absolute place in the container.
    public var target: FilePath
    /// Whether it cannot be written.
    public var isReadOnly: Bool

    /// A mount of `source` on `target`.
    public init(_ source: Source, at target: FilePath, isReadOnly: Bool = false) {
        self.source = source
        self.target = target
        self.isReadOnly = isReadOnly
    }
}

/// A resource limit, by the kernel's number.
public struct Limit: Sendable, Hashable {
    /// RLIMIT_*.
    public var resource: UInt32
    /// What holds now.
    public var soft: UInt64
    /// How far the command may raise it.
    public var hard: UInt64

    /// A limit.
    public init(resource: UInt32, soft: UInt64, hard: UInt64) {
        self.resource = resource
        self.soft = soft
        self.hard = hard
    }
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
    /// Every capability that this process has.
    public static let all = Capabilities(rawValue: .max)
}

// The limits that no control group enforces on this machine.

public import Linux

/// A limit of a command that no control group enforces here.
public struct UnenforcedLimit: ReportableError, Sendable, Hashable {
    /// The limit.
    public enum Limit: Sendable, Hashable {
        case memory, swap, processes, cpuTime, cpuShares, cpuSet, memoryNodes
    }

    /// A weaker mechanism that enforces the limit instead.
    public enum Substitute: Sendable, Hashable {
        /// RLIMIT_DATA, which counts each process by itself.
        case eachProcess
        /// RLIMIT_NPROC, which counts all processes of the user.
        case user
        /// CPU affinity, which the command may change.
        case affinity
    }

    /// The limit.
    public let limit: Limit
    /// The mechanism that enforces it instead; nil for none.
    public let substitute: Substitute?

    /// One sentence.
    public var description: String {
        let reason = "no control group can be made for it here"
        return switch substitute {
        case .eachProcess: "\(name) holds for each process, not for all together: \(reason)"
        case .user: "\(name) counts all processes of the user: \(reason)"
        case .affinity: "\(name) is enforced by CPU affinity, which a program may change: \(reason)"
        case nil: "\(name) cannot be set: \(reason)"
        }
    }

    /// The remedy.
    public static let remedy = """
        give thaw a control group in which it can make groups: as a user, \
        systemd-run --user --scope -p Delegate=yes thaw …; in a container, a writable /sys/fs/cgroup
        """

    /// The remedy.
    public var remedy: String? { Self.remedy }

    /// This machine lacks a control group.
    public var kind: FailureKind { .machine }

    private var name: String {
        switch limit {
        case .memory: "the limit of memory"
        case .swap: "the limit of swap"
        case .processes: "the limit of processes"
        case .cpuTime: "the limit of CPU time"
        case .cpuShares: "the share of CPU time"
        case .cpuSet: "the set of CPUs"
        case .memoryNodes: "the set of memory nodes"
        }
    }
}

extension Container {
    /// Returns the limits of `command` that no control group enforces on this machine.
    public static func unenforcedLimits(
        of command: Command, runtime: OCIRuntime? = nil
    ) throws(SystemError) -> [UnenforcedLimit] {
        let users = runtime == nil && !command.isPrivileged ? command.users : .host
        let isRange = PrivateUsers.expected(for: users).kind == .range
        let isInitial = try IDMap.current().isInitial
        let isRoot = command.account.uid == 0 && isInitial && !isRange
        return command.unenforcedLimits(with: Set(CgroupParent.all.keys), isRoot: isRoot)
    }
}

extension Container {
    /// The controllers of control groups that enforce limits here, by the kernel's names.
    public static var enforcedLimits: [String] {
        Controller.allCases.filter { CgroupParent.all[$0] != nil }.map(\.rawValue)
    }
    /// The controllers that can't be used here.
    public static var missingLimits: [String] {
        Controller.allCases.filter { CgroupParent.all[$0] == nil }.map(\.rawValue)
    }
}

extension Command {
    /// Returns the limits that groups of these controllers don't enforce.
    ///
    /// - Parameter isRoot: True if the command runs as the machine's root, to which RLIMIT_NPROC doesn't apply.
    func unenforcedLimits(with available: Set<Controller>, isRoot: Bool) -> [UnenforcedLimit] {
        var wanted: [(Controller, UnenforcedLimit.Limit, UnenforcedLimit.Substitute?)] = []
        if memoryLimit != nil { wanted.append((.memory, .memory, .eachProcess)) }
        if swapLimit != nil { wanted.append((.memory, .swap, nil)) }
        if processLimit != nil { wanted.append((.processes, .processes, isRoot ? nil : .user)) }
        if cpus.quota != nil { wanted.append((.cpuTime, .cpuTime, cpus.visible == nil ? nil : .affinity)) }
        if cpus.shares != nil { wanted.append((.cpuTime, .cpuShares, nil)) }
        if cpus.set != nil { wanted.append((.cpuSet, .cpuSet, .affinity)) }
        if cpus.memoryNodes != nil { wanted.append((.cpuSet, .memoryNodes, nil)) }
        return wanted.filter { !available.contains($0.0) }.map { UnenforcedLimit(limit: $0.1, substitute: $0.2) }
    }
}

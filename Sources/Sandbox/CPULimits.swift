// Limits of CPU time and of CPUs, in the words of Docker's options.

internal import SystemPackage

/// The CPU time and the CPUs that a command and all that it starts may use.
public struct CPULimits: Sendable, Hashable, Codable {
    /// CPU time in each period, in microseconds; nil for no limit.
    public var quota: Int?
    /// The length of a period in microseconds.
    public var period: Int
    /// The weight against other groups; 1024 is the default of a group.
    public var shares: Int?
    /// The CPUs that it may run on; nil for all.
    public var set: CPUSet?
    /// The memory nodes that it may use; nil for all.
    public var memoryNodes: CPUSet?
    /// The CPUs that it sees: its affinity when it starts.
    public var visible: CPUSet?

    /// The periods that the kernel accepts, in microseconds.
    public static let periods = 1_000...1_000_000
    /// The lowest quota that the kernel accepts, in microseconds.
    public static let leastQuota = 1_000

    /// No limits: nil for everything, a period of 100 ms.
    public init() {
        period = 100_000
    }

    /// Limits the CPU time to that of `count` CPUs, and shows that many of `allowed`, rounded up.
    ///
    /// - Returns: False if `allowed` has fewer CPUs.
    public mutating func limit(to count: Double, of allowed: CPUSet) -> Bool {
        guard count <= Double(allowed.numbers.count), let visible = allowed.choosing(Int(count.rounded(.up))) else {
            return false
        }
        (self.visible, quota) = (visible, max(Self.leastQuota, Int((count * Double(period)).rounded())))
        return true
    }

    /// The affinity to set; nil for that of this process.
    var affinity: CPUSet? { visible ?? set }

    /// The weight of cgroup v2 (1 to 10000) for these shares (2 to 262144), by the formula of the OCI runtimes.
    static func weight(shares: Int) -> Int {
        let shares = min(max(shares, 2), 262_144)
        return 1 + (shares - 2) * 9_999 / 262_142
    }
}

/// A limit of memory and swap together.
public enum SwapLimit: Sendable, Hashable, Codable {
    /// All swap of the machine.
    case unlimited
    /// That many bytes of memory and swap.
    case total(Int64)
}

extension Command {
    /// Shows only the CPUs of its affinity as those that the machine has online.
    ///
    /// Programs that use the C library's CPU count, such as nginx and Python, read this file.
    public mutating func hideOtherCPUs() {
        guard let affinity = cpus.affinity else { return }
        let content = Attachment.Source.content(Array("\(affinity)\n".utf8), mode: 0o444, uid: 0, gid: 0)
        attachments.append(Attachment(content, at: "/sys/devices/system/cpu/online", isReadOnly: true))
    }
}

// Resource limits (setrlimit) and their names on the command line.

internal import Glibc

/// A resource limit, by the kernel's number.
public struct Limit: Sendable, Hashable, Codable {
    /// RLIMIT_*.
    public var resource: UInt32
    /// The limit that applies now.
    public var soft: UInt64
    /// The highest value to which the command may raise it.
    public var hard: UInt64

    /// A limit with these values.
    public init(resource: UInt32, soft: UInt64, hard: UInt64) {
        self.resource = resource
        self.soft = soft
        self.hard = hard
    }

    /// Parses `NAME=SOFT[:HARD]`, as in `nofile=1024:2048`; -1 is no limit, and without HARD both are the same.
    public init(parsing text: String) throws(SandboxError) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let resource = Self.resources[String(parts[0])] else { throw .malformedLimit(text) }
        let values = parts[1].split(separator: ":", omittingEmptySubsequences: false).map { Self.value($0) }
        guard (1...2).contains(values.count), let soft = values[0], let hard = values[values.count - 1], soft <= hard
        else { throw .malformedLimit(text) }
        self.init(resource: resource, soft: soft, hard: hard)
    }

    /// The names that ``init(parsing:)`` accepts, in order.
    public static var names: [String] { resources.keys.sorted() }

    private static func value(_ text: Substring) -> UInt64? {
        if text == "-1" { return .max }
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return UInt64(text)
    }

    private static let resources: [String: UInt32] = [
        "core": RLIMIT_CORE.rawValue, "cpu": RLIMIT_CPU.rawValue, "data": RLIMIT_DATA.rawValue,
        "fsize": RLIMIT_FSIZE.rawValue, "locks": 10, "memlock": 8, "msgqueue": 12, "nice": 13,
        "nofile": RLIMIT_NOFILE.rawValue, "nproc": 6, "rss": 5, "rtprio": 14, "rttime": 15, "sigpending": 11,
        "stack": RLIMIT_STACK.rawValue,
    ]

    /// The kernel's name without its prefix; nil if the number isn't known.
    var name: String? { Self.resources.first { $0.value == resource }?.key.uppercased() }

    /// Returns a limit of the private writable memory of a process, in bytes (RLIMIT_DATA).
    static func memory(_ byteCount: Int64) -> Limit {
        Limit(resource: RLIMIT_DATA.rawValue, soft: UInt64(max(byteCount, 0)), hard: UInt64(max(byteCount, 0)))
    }

    /// Returns a limit of the number of processes of a user (RLIMIT_NPROC).
    static func processes(_ count: Int) -> Limit {
        Limit(resource: 6, soft: UInt64(max(count, 0)), hard: UInt64(max(count, 0)))
    }
}

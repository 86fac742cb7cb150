// Which user and group numbers exist here: outside a user namespace all, inside only those that were mapped into it.
//
//     /proc/self/uid_map          inside   outside   count
//                                      0      1000       1        the user is root in here
//                                      1    100000   65536        and has these besides

internal import Glibc
internal import SystemPackage

/// The numbers that files and processes of this user namespace can have.
public struct IDMap: Sendable, Hashable {
    /// Whether this is the machine's own user namespace, where root may do what no namespace allows: make device nodes,
    /// set `trusted.*` attributes.
    public let isInitial: Bool
    /// Whether processes may change their supplementary groups.
    public let allowsGroups: Bool
    private let users: [Line]
    private let groups: [Line]

    /// One line of a map.
    private struct Line: Sendable, Hashable {
        let inside: UInt64
        let outside: UInt64
        let count: UInt64

        func contains(_ number: UInt32) -> Bool { UInt64(number) >= inside && UInt64(number) - inside < count }
    }

    /// A map from the texts of `uid_map`, `gid_map` and `setgroups`.
    public init(users: [UInt8], groups: [UInt8], setgroups: [UInt8] = Array("allow\n".utf8), isInitial: Bool) {
        self.users = Self.lines(users)
        self.groups = Self.lines(groups)
        allowsGroups = setgroups.starts(with: "allow".utf8)
        self.isInitial = isInitial
    }

    /// The map of the machine's own user namespace: every number.
    public static let initial = {
        let all = Array("0 0 4294967295\n".utf8)
        return IDMap(users: all, groups: all, isInitial: true)
    }()

    /// The map of this process now.
    public static func current() throws(SystemError) -> IDMap {
        let directory = try Directory("/proc/self")
        return IDMap(
            users: try directory.contents(of: "uid_map", limit: 1 << 16),
            groups: try directory.contents(of: "gid_map", limit: 1 << 16),
            setgroups: try directory.contents(of: "setgroups", limit: 64), isInitial: try isInitialNamespace())
    }

    /// Whether this process is in the machine's own user namespace, whose number the kernel never changes.
    static func isInitialNamespace() throws(SystemError) -> Bool {
        var raw = stat()
        try system("stat", "/proc/self/ns/user") { unsafe stat("/proc/self/ns/user", &raw) }
        return raw.st_ino == 0xefff_fffd  // PROC_USER_INIT_INO
    }

    /// Whether a user of that number can own a file here.
    public func hasUser(_ number: UInt32) -> Bool { users.contains { $0.contains(number) } }

    /// Whether a group of that number can own a file here.
    public func hasGroup(_ number: UInt32) -> Bool { groups.contains { $0.contains(number) } }

    /// Whether one number is all there is, of users or of groups.
    public var isSingle: Bool { [users, groups].contains { $0.count == 1 && $0[0].count == 1 } }

    /// The largest number of a user here.
    var largestUser: UInt32 { Self.largest(users) }

    /// The largest number of a group here.
    var largestGroup: UInt32 { Self.largest(groups) }

    private static func largest(_ lines: [Line]) -> UInt32 {
        UInt32(clamping: lines.map { $0.inside + max($0.count, 1) - 1 }.max() ?? 0)
    }

    /// A short word for this map: files written under one map mean something else under another.
    public var name: String {
        let text = (users + [Line(inside: 0, outside: 0, count: 0)] + groups)
            .map { "\($0.inside) \($0.outside) \($0.count)\n" }
        // FNV-1a: only told apart must they be, and nobody gains from a collision but a wrong owner in a cache of one's own.
        let hash = text.joined().utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return String(hash, radix: 36)
    }

    private static func lines(_ text: [UInt8]) -> [Line] {
        text.split(separator: 0x0a).compactMap { line in
            let fields = line.split(separator: 0x20).compactMap { UInt64(String(decoding: $0, as: UTF8.self)) }
            return fields.count == 3 ? Line(inside: fields[0], outside: fields[1], count: fields[2]) : nil
        }
    }
}

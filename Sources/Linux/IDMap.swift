// User and group IDs that exist here: all of them outside a user namespace, only the mapped ones inside.
//
//     /proc/self/uid_map          inside   outside   count
//                                      0      1000       1        the user is root in here
//                                      1    100000   65536        and has these subordinate IDs
//
// A shifted map is no namespace of this process: it describes files of containers in a namespace of their own.

internal import Glibc
internal import SystemPackage

/// The IDs that files and processes of this user namespace can have.
public struct IDMap: Sendable, Hashable {
    /// True in the initial user namespace.
    ///
    /// Only there may root make device nodes and set `trusted.*` attributes.
    public let isInitial: Bool
    /// True if processes may change their supplementary groups.
    public let allowsGroups: Bool
    /// The number added to an ID to get the owner on disk; 0 except for ``shifted(to:count:)``.
    public let shift: UInt32
    private let users: [Mapping]
    private let groups: [Mapping]

    /// One line of a map.
    private struct Mapping: Sendable, Hashable {
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
        shift = 0
    }

    private init(users: [Mapping], shift: UInt32) {
        (self.users, groups, self.shift) = (users, users, shift)
        (isInitial, allowsGroups) = (true, true)
    }

    /// The map of the initial user namespace: every ID.
    public static let initial = {
        let all = Array("0 0 4294967295\n".utf8)
        return IDMap(users: all, groups: all, isInitial: true)
    }()

    /// Returns the map of files that root of the machine stores for a namespace whose ID 0 is `first`.
    public static func shifted(to first: UInt32, count: UInt32) -> IDMap {
        IDMap(users: [Mapping(inside: 0, outside: UInt64(first), count: UInt64(count))], shift: first)
    }

    /// True if every file has its true owner on disk.
    public var keepsOwners: Bool { isInitial && shift == 0 }

    /// Reads the current map of this process.
    public static func current() throws(SystemError) -> IDMap {
        let directory = try Directory("/proc/self")
        return IDMap(
            users: try directory.contents(of: "uid_map", limit: 1 << 16),
            groups: try directory.contents(of: "gid_map", limit: 1 << 16),
            setgroups: try directory.contents(of: "setgroups", limit: 64), isInitial: try isInitialNamespace())
    }

    /// True if this process is in the initial user namespace, whose inode number is constant.
    static func isInitialNamespace() throws(SystemError) -> Bool {
        var raw = stat()
        try system("stat", "/proc/self/ns/user") { unsafe stat("/proc/self/ns/user", &raw) }
        return raw.st_ino == 0xefff_fffd  // PROC_USER_INIT_INO
    }

    /// True if this user ID can own a file here.
    public func hasUser(_ number: UInt32) -> Bool { users.contains { $0.contains(number) } }

    /// True if this group ID can own a file here.
    public func hasGroup(_ number: UInt32) -> Bool { groups.contains { $0.contains(number) } }

    /// Returns the owner on disk of a shifted file: root's for an ID outside the map.
    public func stored(_ id: UInt32) -> UInt32 { shift == 0 ? id : hasUser(id) ? id + shift : shift }

    /// Returns the ID of a shifted file's owner on disk: root for an owner outside the map.
    public func restored(_ owner: UInt32) -> UInt32 {
        guard shift > 0 else { return owner }
        return owner >= shift && hasUser(owner - shift) ? owner - shift : 0
    }

    /// True if the map has only one user or only one group.
    public var isSingle: Bool { [users, groups].contains { $0.count == 1 && $0[0].count == 1 } }

    /// The largest user ID here.
    var largestUser: UInt32 { Self.largest(users) }

    /// The largest group ID here.
    var largestGroup: UInt32 { Self.largest(groups) }

    private static func largest(_ lines: [Mapping]) -> UInt32 {
        UInt32(clamping: lines.map { $0.inside + max($0.count, 1) - 1 }.max() ?? 0)
    }

    /// A short name of this map, for caches: the owner of a file under one map is another one under a different map.
    public var name: String {
        let text = (users + [Mapping(inside: 0, outside: 0, count: 0)] + groups)
            .map { "\($0.inside) \($0.outside) \($0.count)\n" }
        // FNV-1a is enough: the names only distinguish maps, and a collision causes no more than a wrong owner in the
        // user's own cache.
        let hash = text.joined().utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return String(hash, radix: 36) + (shift == 0 ? "" : "-shifted")
    }

    private static func lines(_ text: [UInt8]) -> [Mapping] {
        text.split(separator: 0x0a).compactMap { line in
            let fields = line.split(separator: 0x20).compactMap { UInt64(String(decoding: $0, as: UTF8.self)) }
            return fields.count == 3 ? Mapping(inside: fields[0], outside: fields[1], count: fields[2]) : nil
        }
    }
}

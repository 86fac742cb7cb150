// The user of a confined program.

internal import CLinux
internal import Glibc
internal import SystemPackage

/// A user that owns no files and has no name on this machine.
public struct SpareUser: Sendable, Hashable {
    /// The user ID.
    public let user: UInt32
    /// The group ID.
    public let group: UInt32
    /// True if the process may drop its supplementary groups.
    public let emptiesGroups: Bool

    /// A user with these IDs.
    public init(user: UInt32, group: UInt32, emptiesGroups: Bool) {
        (self.user, self.group, self.emptiesGroups) = (user, group, emptiesGroups)
    }

    /// An ID far above those that machines assign to users, services and containers.
    static let preferred: UInt32 = 0x7468_6177

    /// Returns a user of this user namespace other than its root; nil if this process may not become one.
    public static func spare() throws(SystemError) -> SpareUser? {
        geteuid() == 0 ? spare(in: try IDMap.current()) : nil
    }

    /// Returns the preferred IDs if they exist, else the largest ones; nil if root is the only user or group.
    static func spare(in map: IDMap) -> SpareUser? {
        let user = map.hasUser(preferred) ? preferred : map.largestUser
        let group = map.hasGroup(preferred) ? preferred : map.largestGroup
        guard user > 0, group > 0 else { return nil }
        return SpareUser(user: user, group: group, emptiesGroups: map.allowsGroups)
    }

    /// Permanently drops capabilities, user and groups of this process, which must have one thread.
    ///
    /// - Parameter identity: The new user; nil to drop only the capabilities.
    public static func become(_ identity: SpareUser?) throws(SystemError) {
        var wanted = clinux_identity(identity, keepsGroups: false)
        try system("drop privileges") { unsafe clinux_leave_identity(&wanted) }
        try system("follow the parent") { clinux_die_with_parent() }
    }
}

// The user that a confined program runs as.

internal import CLinux
internal import Glibc
internal import SystemPackage

/// A user without files, who has no name on this machine.
public struct Identity: Sendable, Hashable {
    /// The user's number.
    public let user: UInt32
    /// The group's number.
    public let group: UInt32
    /// Whether the process may give up its supplementary groups.
    public let emptiesGroups: Bool

    /// A user by its numbers.
    public init(user: UInt32, group: UInt32, emptiesGroups: Bool) {
        (self.user, self.group, self.emptiesGroups) = (user, group, emptiesGroups)
    }

    /// Far above the numbers that machines give to people, services and containers.
    static let preferred: UInt32 = 0x7468_6177

    /// A user of this user namespace other than its root; nil where this process may not become one.
    public static func spare() throws(SystemError) -> Identity? {
        geteuid() == 0 ? spare(in: try IDMap.current()) : nil
    }

    /// The preferred numbers where they exist, else the largest that do; nil where root is the only user or group.
    static func spare(in map: IDMap) -> Identity? {
        let user = map.hasUser(preferred) ? preferred : map.largestUser
        let group = map.hasGroup(preferred) ? preferred : map.largestGroup
        guard user > 0, group > 0 else { return nil }
        return Identity(user: user, group: group, emptiesGroups: map.allowsGroups)
    }

    /// Takes capabilities, user and groups from this process, which must have one thread, for ever.
    ///
    /// - Parameter identity: who it becomes; nil to stay who it is, without capabilities.
    public static func become(_ identity: Identity?) throws(SystemError) {
        var wanted = clinux_identity(identity, keepsGroups: false)
        try system("give up privileges") { unsafe clinux_leave_identity(&wanted) }
        try system("follow the parent") { clinux_die_with_parent() }
    }
}

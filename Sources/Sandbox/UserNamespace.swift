// Root permissions without root: a user namespace in which the user of this process is number 0.
//
//     this machine                 inside
//     ────────────                 ──────
//     1000, the user of thaw       0         may mount, chroot, make namespaces; owns the store
//     100000 … 165535, subordinate 1 … 65536
//     all other users              65534

internal import CLinux
internal import Glibc
internal import Linux
internal import Synchronization

/// The way in which this process gets root's permissions.
public enum UserNamespace {
    /// The result of entering.
    public enum Status: Sendable, Equatable {
        /// The process has CAP_SYS_ADMIN by itself.
        case privileged
        /// It is root of a user namespace with the subordinate IDs of its user.
        case ranges
        /// It is root of a user namespace with no other user.
        case single(SingleUserReason)
        /// It couldn't enter and is unchanged.
        case refused(UserNamespaceError)
    }

    /// The reason for which the namespace has only one user.
    public enum SingleUserReason: Sendable, Equatable, CustomStringConvertible {
        /// newuidmap or newgidmap is not installed.
        case noTool
        /// /etc/subuid or /etc/subgid has no line for the user.
        case noSubordinateIDs(user: String)
        /// The tools failed; their messages.
        case toolFailed(String)
        /// One user was requested.
        case requested
        /// The process was already in such a namespace when it started.
        case outerNamespace

        /// One sentence.
        public var description: String {
            switch self {
            case .noTool: "newuidmap is not installed"
            case .noSubordinateIDs(let user): "/etc/subuid and /etc/subgid have no IDs for '\(user)'"
            case .toolFailed(let words): "newuidmap failed\(words.isEmpty ? "" : ": \(words)")"
            case .requested: "--isolation userns was given"
            case .outerNamespace: "thaw was started in a user namespace with one user"
            }
        }

        /// The remedy.
        public var remedy: String {
            switch self {
            case .noTool: "install it with: apt-get install uidmap"
            case .noSubordinateIDs(let user):
                "as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 \(user)"
            case .toolFailed: "see /etc/subuid and /etc/subgid"
            case .requested: "use --isolation namespaces"
            case .outerNamespace:
                "start thaw outside of it, or give it more users with: unshare --map-root-user --map-auto"
            }
        }
    }

    private static let state = Mutex<(status: Status, user: UInt32)?>(nil)

    /// The result of ``enter()``; nil before its call.
    public static var status: Status? { state.withLock { $0?.status } }

    /// The user of this process on the machine; in the namespace, each user who enters is 0.
    public static var user: UInt32 { state.withLock { $0?.user } ?? geteuid() }

    /// Becomes root of a user namespace with a mount namespace in it, unless the process may mount already.
    ///
    /// Call this first in a program: the process must have one thread. On failure the process is unchanged, except for
    /// the error below. No other process is left when this returns.
    ///
    /// - Parameter isSingle: Makes a namespace with one user even if more are possible or none is needed.
    /// - Throws: ``UserNamespaceError`` if the process can't go on: it is in a namespace without a user.
    @discardableResult
    public static func enter(asSingleUser isSingle: Bool = false) throws(UserNamespaceError) -> Status {
        let user = geteuid()
        let isRoot = user == 0 && clinux_is_administrator() != 0
        let status = isRoot && !isSingle ? rootStatus : try NamespaceEntry(user, asSingleUser: isSingle).run()
        state.withLock { $0 = (status, user) }
        return status
    }

    /// The standing of a process that has CAP_SYS_ADMIN, maybe in a user namespace that it did not make.
    private static var rootStatus: Status {
        guard let map = try? IDMap.current(), !map.isInitial else { return .privileged }
        return map.isSingle ? .single(.outerNamespace) : .ranges
    }
}

// Root without being root: a user namespace in which the user of this process is number 0.
//
//     this machine                 inside
//     ────────────                 ──────
//     1000, who runs thaw          0         may mount, chroot, make namespaces; owns the store
//     100000 … 165535, lent        1 … 65536
//     everybody else               65534

internal import CLinux
internal import Glibc
internal import Linux
internal import Synchronization

/// How this process may do what root does.
public enum UserNamespace {
    /// What came of entering.
    public enum Standing: Sendable, Equatable {
        /// The process has CAP_SYS_ADMIN by itself.
        case privileged
        /// It is root of a user namespace, with the numbers that the machine lends to its user.
        case ranges
        /// It is root of a user namespace that has no other user.
        case single(WhySingle)
        /// It is what it was.
        case refused(NamespaceObstacle)
    }

    /// Why there is only one user.
    public enum WhySingle: Sendable, Equatable, CustomStringConvertible {
        /// newuidmap or newgidmap is not installed.
        case noTool
        /// /etc/subuid or /etc/subgid has no line for the user.
        case nothingLent(user: String)
        /// The tools failed; what they said.
        case toolFailed(String)
        /// One user was asked for.
        case asked
        /// The process was in such a namespace when it started.
        case surrounding

        /// One sentence.
        public var description: String {
            switch self {
            case .noTool: "newuidmap is not installed"
            case .nothingLent(let user): "/etc/subuid and /etc/subgid lend nothing to '\(user)'"
            case .toolFailed(let words): "newuidmap failed\(words.isEmpty ? "" : ": \(words)")"
            case .asked: "--isolation userns was given"
            case .surrounding: "thaw was started in a user namespace that has one"
            }
        }

        /// What to do about it.
        public var remedy: String {
            switch self {
            case .noTool: "install it with: apt-get install uidmap"
            case .nothingLent(let user):
                "as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 \(user)"
            case .toolFailed: "see /etc/subuid and /etc/subgid"
            case .asked: "use --isolation namespaces"
            case .surrounding:
                "start thaw outside of it, or give it more users with: unshare --map-root-user --map-auto"
            }
        }
    }

    private static let state = Mutex<(standing: Standing, user: UInt32)?>(nil)

    /// What ``enter()`` came to; nil where nobody called it.
    public static var standing: Standing? { state.withLock { $0?.standing } }

    /// The user who runs this process, as the machine counts: inside, everybody who enters is 0.
    public static var user: UInt32 { state.withLock { $0?.user } ?? geteuid() }

    /// Becomes root of a user namespace with a mount namespace in it, unless the process may mount as it is.
    ///
    /// For the first line of a program: the process must have one thread. It is either done or the process is as it was.
    /// No other process is left when this returns.
    ///
    /// - Parameter isSingle: makes a namespace with one user even where there could be more, or needs to be none.
    /// - Throws: ``NamespaceObstacle`` where the process cannot go on: it is in a namespace that has no user.
    @discardableResult
    public static func enter(asSingleUser isSingle: Bool = false) throws(NamespaceObstacle) -> Standing {
        let user = geteuid()
        let isRoot = user == 0 && clinux_is_administrator() != 0
        let standing = isRoot && !isSingle ? rootStanding : try NamespaceEntry(user, asSingleUser: isSingle).run()
        state.withLock { $0 = (standing, user) }
        return standing
    }

    /// Of a process that has CAP_SYS_ADMIN, maybe in a user namespace that it did not make.
    private static var rootStanding: Standing {
        guard let map = try? IDMap.current(), !map.isInitial else { return .privileged }
        return map.isSingle ? .single(.surrounding) : .ranges
    }
}

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
internal import SystemPackage

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

        /// One sentence.
        public var description: String {
            switch self {
            case .noTool: "newuidmap is not installed"
            case .nothingLent(let user): "/etc/subuid and /etc/subgid lend nothing to '\(user)'"
            case .toolFailed(let words): "newuidmap failed\(words.isEmpty ? "" : ": \(words)")"
            }
        }

        /// What to do about it.
        public var remedy: String {
            switch self {
            case .noTool: "install it with: apt-get install uidmap"
            case .nothingLent(let user):
                "as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 \(user)"
            case .toolFailed: "see /etc/subuid and /etc/subgid"
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
    /// - Throws: ``NamespaceObstacle`` where the process cannot go on: it is in a namespace that has no user.
    @discardableResult
    public static func enter() throws(NamespaceObstacle) -> Standing {
        let user = geteuid()
        let isRoot = user == 0 && clinux_is_administrator() != 0
        let standing = isRoot ? Standing.privileged : try Entry(user).run()
        state.withLock { $0 = (standing, user) }
        return standing
    }
}

/// One attempt to enter.
private struct Entry {
    private let user: UInt32
    private let group: UInt32
    private var tools: [[String]] = []
    private var obstacle: UserNamespace.WhySingle?
    /// The maps that a process with privileges of its own gives: every number as it is.
    private var all: [String] = []

    init(_ user: UInt32) {
        self.user = user
        group = getegid()
        if user == 0 {
            all = [MachineFiles.identity("uid_map"), MachineFiles.identity("gid_map")]
        } else {
            prepareTools()
        }
    }

    private mutating func prepareTools() {
        let names = MachineFiles.names(of: user)
        let users = SubordinateIDs(MachineFiles.bytes("/etc/subuid"), names: names, without: user)
        let groups = SubordinateIDs(MachineFiles.bytes("/etc/subgid"), names: names, without: group)
        guard !users.ranges.isEmpty, !groups.ranges.isEmpty else {
            return obstacle = .nothingLent(user: names.last ?? "\(user)")
        }
        guard let mapUsers = MachineFiles.program("newuidmap"), let mapGroups = MachineFiles.program("newgidmap") else {
            return obstacle = .noTool
        }
        tools = [
            [mapUsers, "\(getpid())"] + users.words(own: user), [mapGroups, "\(getpid())"] + groups.words(own: group),
        ]
    }

    func run() throws(NamespaceObstacle) -> UserNamespace.Standing {
        var memory = Script()
        var entry = unsafe clinux_entry()
        unsafe entry.single_user = memory.copy("0 \(user) 1")
        unsafe entry.single_group = memory.copy("0 \(group) 1")
        if tools.count == 2 {
            unsafe entry.map_users = memory.vector(tools[0])
            unsafe entry.map_groups = memory.vector(tools[1])
        } else if all.count == 2 {
            unsafe entry.all_users = memory.copy(all[0])
            unsafe entry.all_groups = memory.copy(all[1])
        }
        switch try unsafe memory.enter(entry) {
        case .failure(let obstacle): return .refused(obstacle)
        case .success(let words):
            guard let map = try? IDMap.current(), map.isSingle else { return .ranges }
            return .single(obstacle ?? .toolFailed(words))
        }
    }
}

extension Script {
    /// Enters; what the tools complained about, or why not.
    ///
    /// - Throws: ``NamespaceObstacle`` where the process is no longer what it was.
    fileprivate mutating func enter(
        _ entry: clinux_entry
    ) throws(NamespaceObstacle) -> Result<String, NamespaceObstacle> {
        var entry = unsafe entry
        var stage: Int32 = 0
        var words = [CChar](repeating: 0, count: 1024)
        let code = unsafe clinux_enter_user_namespace(&entry, &stage, &words, UInt(words.count))
        let errno = Errno(rawValue: Glibc.errno)
        if code == 0 {
            let text = words.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            return .success(
                String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline).joined(separator: "; "))
        }
        let broken = Int32(clinux_entry_broken)
        let obstacle = NamespaceObstacle(stage: stage & ~broken, errno, setting: MachineFiles.setting)
        if stage & broken != 0 { throw obstacle }
        return .failure(obstacle)
    }
}

/// What the machine's files say that entering depends on.
private enum MachineFiles {
    /// A file's bytes; none where it cannot be read.
    static func bytes(_ path: String) -> [UInt8] {
        (try? OwnedDescriptor(FilePath(path)).readAll(limit: 16 << 20)) ?? []
    }

    /// A file of /proc/sys, without its newline.
    static func setting(_ name: String) -> String? {
        guard let bytes = try? OwnedDescriptor(FilePath("/proc/sys/\(name)")).readAll(limit: 64) else { return nil }
        return String(decoding: bytes.prefix { $0 != 0x0a }, as: UTF8.self)
    }

    /// The number and the names under which files know a user: what /etc/passwd says, else the environment, whose word
    /// is enough because newuidmap asks again.
    static func names(of user: UInt32) -> [String] {
        let rows = bytes("/etc/passwd").split(separator: 0x0a).map { line in
            line.split(separator: 0x3a, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
        }
        let known = rows.filter { $0.count == 7 && UInt32($0[2]) == user }.map { $0[0] }
        let said = unsafe getenv("USER").map { unsafe [String(cString: $0)] } ?? []
        return ["\(user)"] + (known.isEmpty ? said : known)
    }

    /// Where a program of that name is: on PATH, or where Debian has it.
    static func program(_ name: String) -> String? {
        let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? ""
        return (path.split(separator: ":").map(String.init) + ["/usr/bin"]).map { "\($0)/\(name)" }
            .first { unsafe $0.hasPrefix("/") && access($0, X_OK) == 0 }
    }

    /// The lines of a map that leave every number of this process's own as it is.
    static func identity(_ name: String) -> String {
        bytes("/proc/self/\(name)").split(separator: 0x0a).map { line in
            let fields = line.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
            return fields.count == 3 ? "\(fields[0]) \(fields[0]) \(fields[2])\n" : ""
        }.joined()
    }
}

// The entry of a process into a user namespace: the machine's subordinate IDs, and the call that uses them.

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// One attempt to enter a user namespace.
struct NamespaceEntry {
    private let user: UInt32
    private let group: UInt32
    private var tools: [[String]] = []
    private var singleUserReason: UserNamespace.SingleUserReason?
    /// The ID maps of a process that is root: each ID is mapped to itself.
    private var all: [String] = []

    init(_ user: UInt32, asSingleUser isSingle: Bool) {
        self.user = user
        group = getegid()
        if isSingle {
            singleUserReason = .requested
        } else if user == 0 {
            all = [HostSettings.identity("uid_map"), HostSettings.identity("gid_map")]
        } else {
            prepareTools()
        }
    }

    private mutating func prepareTools() {
        let names = HostSettings.names(of: user)
        let users = SubordinateIDs(HostSettings.bytes("/etc/subuid"), names: names, without: user)
        let groups = SubordinateIDs(HostSettings.bytes("/etc/subgid"), names: names, without: group)
        guard !users.ranges.isEmpty, !groups.ranges.isEmpty else {
            return singleUserReason = .noSubordinateIDs(user: names.last ?? "\(user)")
        }
        guard let mapUsers = HostSettings.program("newuidmap"), let mapGroups = HostSettings.program("newgidmap") else {
            return singleUserReason = .noTool
        }
        tools = [
            [mapUsers, "\(getpid())"] + users.words(own: user), [mapGroups, "\(getpid())"] + groups.words(own: group),
        ]
    }

    func run() throws(UserNamespaceError) -> UserNamespace.Status {
        var memory = SetupScript()
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
        case .failure(let singleUserReason): return .refused(singleUserReason)
        case .success(let words):
            guard let map = try? IDMap.current(), map.isSingle else { return .ranges }
            return .single(singleUserReason ?? .toolFailed(words))
        }
    }
}

extension SetupScript {
    /// Enters the namespace; returns the messages of the tools, or the obstacle.
    ///
    /// - Throws: ``UserNamespaceError`` if the call failed after it had changed the process.
    fileprivate mutating func enter(
        _ entry: clinux_entry
    ) throws(UserNamespaceError) -> Result<String, UserNamespaceError> {
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
        let singleUserReason = UserNamespaceError(stage: stage & ~broken, errno, setting: HostSettings.setting)
        if stage & broken != 0 { throw singleUserReason }
        return .failure(singleUserReason)
    }
}

/// The files of the machine on which entering a user namespace depends.
private enum HostSettings {
    /// Returns a file's bytes; empty if it can't be read.
    static func bytes(_ path: String) -> [UInt8] {
        (try? OwnedDescriptor(FilePath(path)).readAll(limit: 16 << 20)) ?? []
    }

    /// Returns the content of a file of /proc/sys without its newline.
    static func setting(_ name: String) -> String? {
        guard let bytes = try? OwnedDescriptor(FilePath("/proc/sys/\(name)")).readAll(limit: 64) else { return nil }
        return String(decoding: bytes.prefix { $0 != 0x0a }, as: UTF8.self)
    }

    /// Returns the number and the name under which /etc/subuid may list a user.
    ///
    /// The name comes from /etc/passwd, else from the environment. USER can be trusted here because newuidmap checks
    /// it.
    static func names(of user: UInt32) -> [String] {
        // A malformed row is like none.
        let row = try? Accounts(passwd: bytes("/etc/passwd"), group: []).user(Array("\(user)".utf8))
        let known = row.map { String(decoding: $0.name, as: UTF8.self) }
        let said = unsafe getenv("USER").map { unsafe String(cString: $0) }
        return ["\(user)"] + [known ?? said].compactMap(\.self)
    }

    /// Returns the path of a program: on PATH, or in Debian's directory.
    static func program(_ name: String) -> String? {
        let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? ""
        return (path.split(separator: ":").map(String.init) + ["/usr/bin"]).map { "\($0)/\(name)" }
            .first { unsafe $0.hasPrefix("/") && access($0, X_OK) == 0 }
    }

    /// Returns the lines of a map that maps every ID of this process to itself.
    static func identity(_ name: String) -> String {
        bytes("/proc/self/\(name)").split(separator: 0x0a).map { line in
            let fields = line.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
            return fields.count == 3 ? "\(fields[0]) \(fields[0]) \(fields[2])\n" : ""
        }.joined()
    }
}

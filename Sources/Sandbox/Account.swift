// A command's user and groups: `user[:group]` looked up in the root file system's own files.

public import Linux
internal import SystemPackage

/// User and group IDs and a home directory.
public struct Account: Sendable, Hashable {
    /// The user ID.
    public var uid: UInt32
    /// The primary group ID.
    public var gid: UInt32
    /// The supplementary group IDs.
    public var groups: [UInt32]
    /// The value of HOME if the environment sets none.
    public var home: String

    /// An account with these IDs.
    public init(uid: UInt32, gid: UInt32, groups: [UInt32] = [], home: String = "/") {
        self.uid = uid
        self.gid = gid
        self.groups = groups
        self.home = home
    }

    /// User 0, group 0, home /root.
    public static let root = Account(uid: 0, gid: 0, home: "/root")

    /// Looks `user[:group]` up, by name or number, as Docker does.
    ///
    /// Without a group in the text, the group is the primary group of /etc/passwd. Every group of /etc/group that lists
    /// the user is then supplementary. With a group in the text, the account has only that group. A numeric user or
    /// group may be absent from the files; the primary group is then 0. Empty text means root.
    ///
    /// - Parameters:
    ///   - passwd: The bytes of /etc/passwd, nil if the file doesn't exist.
    ///   - group: The bytes of /etc/group, nil if the file doesn't exist.
    public init(_ text: String, passwd: [UInt8]?, group: [UInt8]?) throws(SandboxError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let name = parts.first.flatMap { $0.isEmpty ? nil : $0 } ?? "0"
        let number = try Self.number(name, in: text)
        let user = Self.rows(passwd, fields: 7).first { $0[0] == name || (number != nil && UInt32($0[2]) == number) }
        guard let uid = user.flatMap({ UInt32($0[2]) }) ?? number else { throw .unknownUser(name) }
        let home = user.map { $0[5] }.flatMap { $0.isEmpty ? nil : $0 } ?? (uid == 0 ? "/root" : "/")
        if parts.count == 2, !parts[1].isEmpty {
            self.init(uid: uid, gid: try Self.group(parts[1], group, in: text), home: home)
        } else {
            let groups = user.map { Self.memberships(of: $0[0], group) } ?? []
            self.init(uid: uid, gid: user.flatMap { UInt32($0[3]) } ?? 0, groups: groups, home: home)
        }
    }

    private static func group(_ name: String, _ file: [UInt8]?, in text: String) throws(SandboxError) -> UInt32 {
        let number = try number(name, in: text)
        let row = rows(file, fields: 3).first { $0[0] == name || (number != nil && UInt32($0[2]) == number) }
        guard let gid = row.flatMap({ UInt32($0[2]) }) ?? number else { throw .unknownGroup(name) }
        return gid
    }

    private static func memberships(of user: String, _ file: [UInt8]?) -> [UInt32] {
        rows(file, fields: 4).filter { $0[3].split(separator: ",").contains { $0 == user } }
            .compactMap { UInt32($0[2]) }
    }

    /// Returns the value of `text` if it is all digits, nil for a name.
    private static func number(_ text: String, in whole: String) throws(SandboxError) -> UInt32? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        guard let number = Int32(text) else { throw .malformedUser(whole) }
        return UInt32(number)
    }

    /// Returns the lines with at least `fields` fields; skips comments and malformed lines.
    private static func rows(_ file: [UInt8]?, fields: Int) -> [[String]] {
        (file ?? []).split(separator: 0x0a).compactMap { line in
            guard line.first != 0x23 else { return nil }
            let row = line.split(separator: 0x3a, omittingEmptySubsequences: false)
                .map { String(decoding: $0, as: UTF8.self) }
            return row.count >= fields && !row[0].isEmpty ? row : nil
        }
    }
}

extension Account {
    /// Looks `user[:group]` up in a root file system.
    public init(_ text: String, in root: Directory) throws {
        try self.init(text, passwd: Self.file("etc/passwd", root), group: Self.file("etc/group", root))
    }

    private static func file(_ path: FilePath, _ root: Directory) throws(SystemError) -> [UInt8]? {
        do throws(SystemError) {
            return try root.contents(of: path, limit: 16 << 20)
        } catch {
            if error.errno == .noSuchFileOrDirectory || error.errno == .notDirectory { return nil }
            throw error
        }
    }
}

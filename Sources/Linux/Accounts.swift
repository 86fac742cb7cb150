// The accounts of a root file system, looked up as Docker does (github.com/moby/sys/user).
//
// ```
// "app:video" -> /etc/passwd  app:x:1000:1000:App:/home/app:/bin/sh   uid, gid, home
//             -> /etc/group   video:x:44:app,other                    gid, or the user's groups
// ```
// The one reader of these files: RUN, COPY --chown, slimming, and the guest's init, which compiles this file too. So it
// uses bytes instead of strings, and only the standard library.

/// User and group IDs and a home directory.
public struct Account: Equatable, Sendable {
    /// The user ID.
    public let uid: UInt32
    /// The primary group ID.
    public let gid: UInt32
    /// The groups of a process: the primary one first, then the others.
    ///
    /// Without the primary group, a set-group-ID program could leave a group that denies access (CVE-2023-25173).
    public let groups: [UInt32]
    /// The value of HOME if the environment sets none.
    public let home: [UInt8]

    /// An account with these IDs; the primary group need not be in `groups`.
    public init(uid: UInt32, gid: UInt32, groups: [UInt32] = [], home: [UInt8] = [0x2f]) {
        self.uid = uid
        self.gid = gid
        self.groups = [gid] + groups.filter { $0 != gid }
        self.home = home
    }
}

/// The reason for which `user[:group]` is no account.
public enum AccountError: Error, Equatable, Sendable {
    /// No row of /etc/passwd has the name.
    case unknownUser([UInt8])
    /// No row of /etc/group has the name.
    case unknownGroup([UInt8])
    /// A number is not an ID.
    case notAnID
}

/// The contents of /etc/passwd and /etc/group.
///
/// Fields may be missing at the end of a row, and count as empty or 0. Of several rows the first one applies.
public struct Accounts: Sendable {
    /// A row of /etc/passwd.
    public struct User: Equatable, Sendable {
        /// The name.
        public let name: [UInt8]
        /// The user ID.
        public let uid: UInt32
        /// The primary group ID.
        public let gid: UInt32
        /// The home directory; empty if the row has none.
        public let home: [UInt8]
    }

    private let passwd: [UInt8]
    private let group: [UInt8]
    private static let colon: UInt8 = 0x3a

    /// The accounts in these files; a missing file is like an empty one.
    public init(passwd: [UInt8], group: [UInt8]) {
        self.passwd = passwd
        self.group = group
    }

    /// Looks `user[:group]` up, each a name or a number; empty text means root.
    ///
    /// A number is always an ID and needs no row. The groups that list the user's name apply only if the text has no
    /// group.
    public func account(of text: [UInt8]) throws(AccountError) -> Account {
        let (name, groupName) = Self.parts(of: text)
        let user = try user(text)
        let home = user.flatMap { $0.home.isEmpty ? nil : $0.home } ?? [0x2f]
        let uid: UInt32
        if let user {
            uid = user.uid
        } else if name.isEmpty {
            uid = 0
        } else {
            guard let number = Self.number(name) else { throw .unknownUser(Array(name)) }
            uid = try Self.requestedID(number)
        }
        if !groupName.isEmpty { return Account(uid: uid, gid: try gid(of: groupName), home: home) }
        let groups = user.map { memberships(of: $0.name) } ?? []
        return Account(uid: uid, gid: user?.gid ?? 0, groups: groups, home: home)
    }

    /// Returns the row of /etc/passwd that `user[:group]` refers to, if there is one.
    public func user(_ text: [UInt8]) throws(AccountError) -> User? {
        let name = Self.parts(of: text).name
        guard let number = name.isEmpty ? 0 : Self.number(name) else { return try user(named: Array(name)) }
        let row = row(in: passwd) { $0.number(at: 2) == number }
        return try row.map(Self.user)
    }

    /// Returns the row of /etc/passwd with a name, even if the name consists of digits.
    public func user(named name: [UInt8]) throws(AccountError) -> User? {
        try row(in: passwd) { $0.name.elementsEqual(name) }.map(Self.user)
    }

    /// Returns the ID of a group by its name, even if the name consists of digits.
    public func gid(ofGroup name: [UInt8]) throws(AccountError) -> UInt32? {
        try row(in: group) { $0.name.elementsEqual(name) }.map { row throws(AccountError) in try row.id(at: 2) }
    }

    /// The names of all users.
    public var userNames: [[UInt8]] { names(in: passwd) }

    /// The names of all groups.
    public var groupNames: [[UInt8]] { names(in: group) }
}

// MARK: - Rows

extension Accounts {
    /// The fields of a row.
    private struct Row {
        let fields: [ArraySlice<UInt8>]

        var name: ArraySlice<UInt8> { fields[0] }

        subscript(index: Int) -> ArraySlice<UInt8> { index < fields.count ? fields[index] : [] }

        func number(at index: Int) -> Int64? { Accounts.number(self[index]) }

        /// Returns the ID in a field; 0 for a field that is not a number, as in Docker.
        func id(at index: Int) throws(AccountError) -> UInt32 {
            guard let number = number(at: index) else { return 0 }
            let id = UInt32(truncatingIfNeeded: number)
            guard number >= Int64(Int32.min), number <= Int64(UInt32.max), id != .max else { throw .notAnID }
            return id
        }
    }

    private static func user(_ row: Row) throws(AccountError) -> User {
        User(name: Array(row.name), uid: try row.id(at: 2), gid: try row.id(at: 3), home: Array(row[5]))
    }

    private func gid(of name: ArraySlice<UInt8>) throws(AccountError) -> UInt32 {
        guard let number = Self.number(name) else {
            guard let gid = try gid(ofGroup: Array(name)) else { throw .unknownGroup(Array(name)) }
            return gid
        }
        if let row = row(in: group, where: { $0.number(at: 2) == number }) { return try row.id(at: 2) }
        return try Self.requestedID(number)
    }

    private func memberships(of user: [UInt8]) -> [UInt32] {
        var ids: [UInt32] = []
        guard !user.isEmpty else { return ids }
        forEachRow(in: group) { row in
            // An ID that no process can have gives no right.
            let isMember = row[3].split(separator: 0x2c).contains { $0.elementsEqual(user) }
            if isMember, let id = try? row.id(at: 2) { ids.append(id) }
            return true
        }
        return ids
    }

    private func row(in file: [UInt8], where isWanted: (Row) -> Bool) -> Row? {
        var found: Row?
        forEachRow(in: file) { row in
            if isWanted(row) { found = row }
            return found == nil
        }
        return found
    }

    private func names(in file: [UInt8]) -> [[UInt8]] {
        var names: [[UInt8]] = []
        forEachRow(in: file) { row in
            names.append(Array(row.name))
            return true
        }
        return names
    }

    /// Calls `body` with each row until it returns false; skips comments.
    private func forEachRow(in file: [UInt8], _ body: (Row) -> Bool) {
        var rest = file[...]
        while !rest.isEmpty {
            let line = Self.trimmed(rest.prefix { $0 != 0x0a })
            rest = rest.drop { $0 != 0x0a }.dropFirst()
            guard let first = line.first, first != 0x23 else { continue }
            if !body(Row(fields: line.split(separator: Self.colon, omittingEmptySubsequences: false))) { return }
        }
    }
}

// MARK: - Text

extension Accounts {
    private static func parts(of text: [UInt8]) -> (name: ArraySlice<UInt8>, group: ArraySlice<UInt8>) {
        let parts = text.split(separator: colon, omittingEmptySubsequences: false)
        return (parts[0], parts.count > 1 ? parts[1] : [])
    }

    private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let isBlank = { (byte: UInt8) in byte == 0x20 || (byte >= 0x09 && byte <= 0x0d) }
        var line = line.drop(while: isBlank)
        while let last = line.last, isBlank(last) { line.removeLast() }
        return line
    }

    /// Parses decimal digits with an optional sign; nil for anything else.
    ///
    /// A number beyond 64 bits becomes the largest.
    private static func number(_ text: ArraySlice<UInt8>) -> Int64? {
        let isNegative = text.first == 0x2d
        let digits = isNegative || text.first == 0x2b ? text.dropFirst() : text
        guard !digits.isEmpty else { return nil }
        var value: Int64 = 0
        for digit in digits {
            guard digit >= 0x30, digit <= 0x39 else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int64(digit - 0x30))
            value = overflow || carry ? .max : sum
        }
        return isNegative ? -value : value
    }

    /// Returns a number of the text as an ID; Docker allows 31 bits.
    private static func requestedID(_ number: Int64) throws(AccountError) -> UInt32 {
        guard number >= 0, number <= Int64(Int32.max) else { throw .notAnID }
        return UInt32(number)
    }
}

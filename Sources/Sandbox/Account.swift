// A command's user and groups: `user[:group]` looked up in the root file system's own files.

public import Linux
internal import SystemPackage

extension Account {
    /// User 0, group 0, home /root.
    public static let root = Account(uid: 0, gid: 0, home: Array("/root".utf8))

    /// Looks `user[:group]` up in a root file system.
    public init(_ text: String, in root: Directory) throws {
        let accounts = try Accounts(passwd: Self.file("etc/passwd", root), group: Self.file("etc/group", root))
        try self.init(text, in: accounts)
    }

    /// Looks `user[:group]` up in a root file system's files.
    public init(_ text: String, in accounts: Accounts) throws(SandboxError) {
        do {
            self = try accounts.account(of: Array(text.utf8))
        } catch {
            switch error {
            case .unknownUser(let name): throw .unknownUser(String(decoding: name, as: UTF8.self))
            case .unknownGroup(let name): throw .unknownGroup(String(decoding: name, as: UTF8.self))
            case .notAnID: throw .malformedUser(text)
            }
        }
    }

    /// The variable HOME of a command whose environment sets none.
    var homeVariable: String { "HOME=\(String(decoding: home, as: UTF8.self))" }

    private static func file(_ path: FilePath, _ root: Directory) throws(SystemError) -> [UInt8] {
        do throws(SystemError) {
            return try root.contents(of: path, limit: 16 << 20)
        } catch {
            if error.errno == .noSuchFileOrDirectory || error.errno == .notDirectory { return [] }
            throw error
        }
    }
}

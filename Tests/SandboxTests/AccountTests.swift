import Linux
import Sandbox
import Testing

@Suite struct AccountTests {
    static let passwd = """
        # a comment
        root:x:0:0:root:/root:/bin/sh
        broken
        app:x:1000:1001:App:/home/app:/bin/sh
        7:x:70:71::/seven:/bin/sh
        short:x:1002:1003
        shorter:x:1004
        nobody:x:-2:-2::/:
          blank:x:8:9::/blank:\r
        wide:x:99999999999999999999:0
        """
    static let group = """
        root:x:0:
        apps:x:1001:app
        video:x:44:app,other
        audio:x:45:other,app
        short:x:1003
        bad:x:number:short
        """
    static let accounts = Accounts(passwd: Array(passwd.utf8), group: Array(group.utf8))

    private static func account(_ uid: UInt32, _ gid: UInt32, _ others: [UInt32] = [], home: String = "/") -> Account {
        Account(uid: uid, gid: gid, groups: others, home: Array(home.utf8))
    }

    @Test(
        "user[:group] is looked up as Docker does",
        arguments: [
            ("", account(0, 0, home: "/root")), (":video", account(0, 44, home: "/root")),
            ("app", account(1000, 1001, [44, 45], home: "/home/app")),
            ("1000", account(1000, 1001, [44, 45], home: "/home/app")),
            ("+1000", account(1000, 1001, [44, 45], home: "/home/app")),
            ("app:video", account(1000, 44, home: "/home/app")), ("app:5000", account(1000, 5000, home: "/home/app")),
            ("app:", account(1000, 1001, [44, 45], home: "/home/app")),
            ("app:video:audio", account(1000, 44, home: "/home/app")),
            // A number is never a name.
            ("7", account(7, 0)), ("4242", account(4242, 0)), ("4242:17", account(4242, 17)),
            // Short rows, and rows whose number is not one: in Docker these numbers are 0.
            ("short", account(1002, 1003, [0])), ("shorter", account(1004, 0)), ("broken", account(0, 0)),
            ("short:short", account(1002, 1003)), ("short:bad", account(1002, 0)),
            ("nobody", account(4_294_967_294, 4_294_967_294)), ("blank", account(8, 9, home: "/blank")),
        ])
    func lookup(text: String, expected: Account) throws {
        #expect(try Account(text, in: Self.accounts) == expected)
    }

    @Test("The primary group is the first of the groups, and there once")
    func primaryGroup() throws {
        #expect(try Account("app", in: Self.accounts).groups == [1001, 44, 45])
        #expect(try Account("app:audio", in: Self.accounts).groups == [45])
        #expect(try Account("1234", in: Self.accounts).groups == [0])
        #expect(Account.root.groups == [0])
    }

    @Test(
        "An unknown user or group and a malformed number are errors",
        arguments: [
            ("none", SandboxError.unknownUser("none")), ("app:none", .unknownGroup("none")),
            ("4294967295", .malformedUser("4294967295")), ("0:99999999999", .malformedUser("0:99999999999")),
            ("-1", .malformedUser("-1")), ("wide", .malformedUser("wide")),
        ])
    func unknown(text: String, expected: SandboxError) {
        #expect(throws: expected) { try Account(text, in: Self.accounts) }
    }

    @Test("Numbers need no passwd and group files; names do")
    func noFiles() throws {
        let none = Accounts(passwd: [], group: [])
        #expect(try Account("5:6", in: none) == Self.account(5, 6))
        #expect(try Account("", in: none) == Self.account(0, 0))
        #expect(throws: SandboxError.unknownUser("app")) { try Account("app", in: none) }
        #expect(SandboxError.unknownUser("app").description == "unable to find user app")
    }

    @Test("Arbitrary bytes never trap", arguments: 0..<50)
    func noise(seed: Int) {
        let bytes = (0..<2000).map { UInt8(truncatingIfNeeded: ($0 &* 7919 &+ seed &* 104_729) >> 3) % 60 + 5 }
        _ = try? Account("app:video", in: Accounts(passwd: bytes, group: bytes))
    }
}

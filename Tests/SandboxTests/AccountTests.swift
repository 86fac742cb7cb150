import Sandbox
import Testing

@Suite struct AccountTests {
    static let passwd = """
        # a comment
        root:x:0:0:root:/root:/bin/sh
        broken
        app:x:1000:1001:App:/home/app:/bin/sh
        7:x:70:71::/seven:/bin/sh
        """
    static let group = "root:x:0:\napps:x:1001:\nvideo:x:44:app,other\naudio:x:45:other,app\n"

    @Test(
        "user[:group] is looked up as Docker does",
        arguments: [
            ("", Account(uid: 0, gid: 0, home: "/root")),
            ("app", Account(uid: 1000, gid: 1001, groups: [44, 45], home: "/home/app")),
            ("1000", Account(uid: 1000, gid: 1001, groups: [44, 45], home: "/home/app")),
            ("app:video", Account(uid: 1000, gid: 44, home: "/home/app")),
            ("app:5000", Account(uid: 1000, gid: 5000, home: "/home/app")),
            ("4242", Account(uid: 4242, gid: 0, home: "/")),
            ("4242:17", Account(uid: 4242, gid: 17, home: "/")),
            ("app:", Account(uid: 1000, gid: 1001, groups: [44, 45], home: "/home/app")),
            ("7", Account(uid: 70, gid: 71, home: "/seven")),
        ])
    func lookup(text: String, expected: Account) throws {
        #expect(try Account(text, passwd: Array(Self.passwd.utf8), group: Array(Self.group.utf8)) == expected)
    }

    @Test(
        "An unknown user or group and a malformed number are errors",
        arguments: [
            ("nobody", SandboxError.unknownUser("nobody")), ("app:none", .unknownGroup("none")),
            ("4294967295", .malformedUser("4294967295")), ("0:99999999999", .malformedUser("0:99999999999")),
        ])
    func unknown(text: String, expected: SandboxError) {
        #expect(throws: expected) {
            try Account(text, passwd: Array(Self.passwd.utf8), group: Array(Self.group.utf8))
        }
    }

    @Test("Numbers need no passwd and group files; names do")
    func noFiles() throws {
        #expect(try Account("5:6", passwd: nil, group: nil) == Account(uid: 5, gid: 6))
        #expect(throws: SandboxError.unknownUser("app")) { try Account("app", passwd: nil, group: nil) }
        #expect(SandboxError.unknownUser("app").description == "unable to find user app")
    }

    @Test("Arbitrary bytes never trap", arguments: 0..<50)
    func noise(seed: Int) {
        let bytes = (0..<2000).map { UInt8(truncatingIfNeeded: ($0 &* 7919 &+ seed &* 104_729) >> 3) % 60 + 5 }
        _ = try? Account("app:video", passwd: bytes, group: bytes)
    }
}

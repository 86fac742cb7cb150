import Linux
import Testing

@testable import Build

@Suite("The owner of copied files")
struct OwnershipTests {
    private static let accounts = Accounts(
        passwd: Array("root:x:0:0::/:\napp:x:100:101::/:\nwide:x:4000000000:7::/:\nshort:x:3:4\n".utf8),
        group: Array("root:x:0:\nweb:x:102:\n".utf8))

    @Test(
        "Numbers are IDs, names are looked up in the stage's files, unknown names are root",
        arguments: [
            ("7", 7, 7, []), ("7:8", 7, 8, []), ("7:", 7, 7, []), (":8", 0, 8, []),
            ("4294967294:0", 4_294_967_294, 0, []),
            ("app", 100, 101, []), ("app:web", 100, 102, []), ("app:9", 100, 9, []), ("5:web", 5, 102, []),
            ("short", 3, 4, []),
            ("wide", 4_000_000_000, 7, []), ("who", 0, 0, ["who"]), ("app:who", 100, 101, ["who"]),
            ("5:who", 5, 5, ["who"]),
            ("who:web", 0, 102, ["who"]),
        ] as [(String, UInt32, UInt32, [String])])
    func numbers(text: String, uid: UInt32, gid: UInt32, unknown: [String]) throws {
        let found = try Ownership(text).numbers(in: Self.accounts)
        #expect(found.uid == uid && found.gid == gid && found.unknown == unknown)
    }

    @Test(
        "A number that can't be an ID is an error",
        arguments: ["4294967295", "4294967296:1", "1:99999999999999999999", "-1", "0:-2"])
    func refusals(text: String) {
        #expect { try Ownership(text) } throws: { "\($0)".hasPrefix("owner '\(text)': ") }
    }
}

import Linux
import SystemPackage
import Testing

@testable import Sandbox

/// Entering a user namespace: the arguments of newuidmap, and the errors.
@Suite struct UserNamespaceTests {
    /// A file, and the arguments of newuidmap for user 1000, whose name is app.
    static let files = [
        ("", ["0", "1000", "1"]),
        ("app:100000:65536\n", ["0", "1000", "1", "1", "100000", "65536"]),
        ("other:1:2\n1000:100000:10\napp:200000:20", ["0", "1000", "1", "1", "100000", "10", "11", "200000", "20"]),
        ("app:100000:10\n1000:100005:10\n", ["0", "1000", "1", "1", "100000", "10"]),
        ("app:999:2\napp:5:0\napp:x:1\napp:1\napp:1:2:3\n", ["0", "1000", "1"]),
        ("app:4294967295:4294967295\napp:4294967290:5\n", ["0", "1000", "1", "1", "4294967290", "5"]),
    ]

    @Test("The ranges of /etc/subuid follow from ID 1; overlapping and malformed ones are left out", arguments: files)
    func words(file: String, words: [String]) {
        #expect(SubordinateIDs(Array(file.utf8), names: ["1000", "app"], without: 1000).words(own: 1000) == words)
    }

    @Test("With any number of ranges, the map fits into the kernel's limit")
    func many() {
        let lines = (0..<10_000).map { "app:\($0 * 1000):1000\n" }.joined()
        let words = SubordinateIDs(Array(lines.utf8), names: ["app"], without: 7).words(own: 7)
        #expect(words.count <= 3 * 340 && words.count > 3)
    }

    /// The stage, the errno, a setting of /proc/sys, and the expected obstacle.
    static let reasons: [(Int32, Errno, [String: String], UserNamespaceError)] = [
        (0, .noSpace, ["user/max_user_namespaces": "0"], .disabled),
        (0, .noSpace, ["user/max_user_namespaces": "100"], .limit),
        (0, .notPermitted, ["kernel/unprivileged_userns_clone": "0"], .rootOnly),
        (2, .permissionDenied, ["kernel/apparmor_restrict_unprivileged_userns": "1"], .restricted),
        (0, .invalidArgument, [:], .missing),
        (0, .notPermitted, ["kernel/unprivileged_userns_clone": "1"], .refused("make one", .notPermitted)),
        (1, .notPermitted, [:], .refused("map the current user", .notPermitted)),
        (3, .resourceTemporarilyUnavailable, [:], .refused("start a helper", .resourceTemporarilyUnavailable)),
    ]

    @Test("The obstacle names the setting and has a remedy", arguments: reasons)
    func reason(stage: Int32, errno: Errno, settings: [String: String], expected: UserNamespaceError) {
        let reason = UserNamespaceError(stage: stage, errno) { settings[$0] }
        #expect(reason == expected)
        let isRefused = if case .refused = expected { true } else { false }
        let start = isRefused && UserNamespace.user == 0 ? "in a Docker container" : "run thaw as root"
        #expect(reason.remedy?.hasPrefix(start) == true)
        for name in settings.keys where reason != .refused("make one", .notPermitted) {
            #expect(reason.description.contains(name.split(separator: "/")[1]))
        }
    }

    @Test(
        "The error of an account with unmapped IDs names the ID",
        arguments: [(0, 0, [], nil), (5, 0, [], "user 5")]
            + [(0, 7, [], "group 7"), (0, 0, [0, 9], "group 9")] as [(UInt32, UInt32, [UInt32], String?)])
    func account(uid: UInt32, gid: UInt32, groups: [UInt32], missing: String?) {
        let map = IDMap(users: Array("0 1000 1".utf8), groups: Array("0 1000 1".utf8), isInitial: false)
        let account = Account(uid: uid, gid: gid, groups: groups)
        if let missing {
            #expect(throws: SandboxError.unmapped(missing)) { try map.check(account) }
        } else {
            #expect(throws: Never.self) { try map.check(account) }
        }
    }
}

import Linux
import OCI
import Support
import Testing

@testable import Analysis

@Suite("The difference of two images")
struct ImageDiffTests {
    private static func base() throws -> [(LayerEntry, [UInt8])] {
        [try directory("d"), try file("d/a", "one"), try symlink("d/l", "a"), try file("d/b", "two")]
    }

    /// The changes of the newer image, and the lines that report them.
    static let cases: [(change: @Sendable () throws -> [(LayerEntry, [UInt8])], text: [String])] = [
        ({ [] }, []),
        ({ [try file("d/a", "one")] }, []),
        ({ [try file("d/a", "uno")] }, ["~ /d/a  content"]),
        ({ [try file("d/a", "three")] }, ["~ /d/a  content: 3B -> 5B"]),
        ({ [try file("d/a", "one", mode: 0o600)] }, ["~ /d/a  mode: 0644 -> 0600"]),
        ({ [try file("d/new", "12345")] }, ["+ /d/new  5B"]),
        ({ [try whiteout("d/b")] }, ["- /d/b  3B"]),
        ({ [try symlink("d/l", "b")] }, ["~ /d/l  kind"]),
        ({ [try symlink("d/a", "b")] }, ["~ /d/a  kind, mode: 0644 -> 0777"]),
        ({ [try hardLink("d/c", "d/a")] }, ["~ /d/a  links", "+ /d/c  3B"]),
        ({ [try whiteout("d")] }, ["- /d  0B", "- /d/a  3B", "- /d/b  3B", "- /d/l  0B"]),
    ]

    @Test("Each path is reported once, with its differences", arguments: cases)
    func files(change: @Sendable () throws -> [(LayerEntry, [UInt8])], text: [String]) async throws {
        let workspace = try Workspace()
        let before = try workspace.image([Self.base()])
        let after = try workspace.image([Self.base(), change()])
        let difference = try await ImageDiff(between: before, and: after)
        #expect(difference.files.map(\.text) == text)
        #expect(difference.firstLayer == 1)
        #expect(try await ImageDiff(between: before, and: before).isEmpty)
    }

    /// A changed path, and the start of the line that explains it.
    static let volatile: [(String, String?)] = [
        ("root/.npm/_logs/2026-debug-0.log", "! 1 file of logs of npm differs at each build: "),
        ("tmp/node-compile-cache/v1/x", "! 1 file of Node's compile cache differs at each build: "),
        ("var/log/apt/term.log", "! 1 file of logs of apt and dpkg differs at each build: "),
        ("var/cache/ldconfig/aux-cache", "! 1 file of the cache of ldconfig differs at each build: "),
        ("app/m.cpython-311.pyc", "! 1 file of Python bytecode"), ("app/main.py", nil), ("srv/var/log/apt/x", nil),
    ]

    @Test("A file that differs at each build is explained with the cure", arguments: volatile)
    func explained(path: String, line: String?) async throws {
        let workspace = try Workspace()
        let before = try workspace.image([[try file(path, "1")]])
        let after = try workspace.image([[try file(path, "2")]])
        let lines = try await ImageDiff(between: before, and: after).text().split(separator: "\n")
        let found = lines.first { $0.hasPrefix("!") }
        #expect(found.map { $0.hasPrefix(line ?? "none") } == line.map { _ in true })
    }

    @Test("Settings are reported by their place in the configuration, layers' digests are not")
    func settings() async throws {
        let workspace = try Workspace()
        let before = try workspace.image([Self.base()]).configured { $0.environment = ["A=1", "B=2"] }
        let after = before.configured {
            $0.environment = ["A=1", "B=3"]
            $0.user = "app"
        }
        let difference = try await ImageDiff(between: before, and: after)
        #expect(
            difference.settings == [
                ImageDiff.Setting(key: "config.Env.B", before: "\"2\"", after: "\"3\""),
                ImageDiff.Setting(key: "config.User", before: nil, after: "\"app\""),
            ])
        #expect(difference.text().hasSuffix("0 files, 2 settings, 0B"))
        #expect(difference.json["config"]?.array?.count == 2)
    }
}

import Linux
import OCI
import Support
import Testing

@testable import Analysis

@Suite("The comparison of two images")
struct ImageComparisonTests {
    private let workspace: Workspace

    init() throws { workspace = try Workspace() }

    private static func lines(_ commands: [String], _ day: Int = 1) -> [History] {
        commands.map { History(created: "2026-01-0\(day)T00:00:00Z", createdBy: $0) }
    }

    private func compare(
        _ before: Image, _ after: Image, semantic: Bool = false
    ) async throws -> ImageComparison {
        try await ImageComparison(between: before, and: after, names: ("app:1", "app:2"), isSemantic: semantic)
    }

    private static func status(_ packages: String...) -> String {
        packages.map {
            let parts = $0.split(separator: " ")
            return "Package: \(parts[0])\nVersion: \(parts[1])\nInstalled-Size: \(parts[2])\n"
                + "Status: install ok installed\n"
        }.joined(separator: "\n")
    }

    @Test("The sentence names the growth, and the layers that it comes from")
    func headline() async throws {
        let base: [Change] = [try file("etc/os", "x")]
        let commands = ["ADD base", "RUN pip install", "COPY app"]
        let before = try workspace.image(
            [base, [try file("lib/a", noise(1000))], [try file("app/m", "1")]], history: Self.lines(commands))
        let after = try workspace.image(
            [base, [try file("lib/a", noise(40_000))], [try file("app/m", "1")]], history: Self.lines(commands))
        let comparison = try await compare(before, after)
        #expect(comparison.layers.map(\.state) == [.same, .changed, .same])
        #expect(comparison.headline.hasPrefix("+39.") && comparison.headline.contains("(+39.0kB unpacked)"))
        #expect(comparison.headline.hasSuffix("from RUN pip install (layer 1)."))
        #expect(comparison.directories.map(\.path.description) == ["/lib"])
        #expect(comparison.text().hasPrefix(comparison.headline + "\n"))
    }

    @Test("Layers are aligned by content: a new one in the middle leaves the others the same")
    func alignment() async throws {
        let layers = try (0..<4).map { [try file("f\($0)", noise(100, seed: UInt64($0 + 1)))] }
        let new = [try file("new", noise(500, seed: 9))]
        let before = try workspace.image(layers)
        let middle = try workspace.image([layers[0], new, layers[1], layers[2], layers[3]])
        #expect(try await compare(before, middle).layers.map(\.state) == [.same, .added, .same, .same, .same])
        #expect(try await compare(middle, before).layers.map(\.state) == [.same, .removed, .same, .same, .same])
        let swapped = try workspace.image([layers[1], layers[0], layers[2]])
        let states = try await compare(before, swapped).layers.map(\.state)
        #expect(states.count { $0 == .same } == 2 && states.contains(.moved) && states.contains(.removed))
        #expect(!states.contains(.added))
    }

    @Test("A layer with the same files under another instruction is a changed one")
    func similar() async throws {
        let files = try (0..<10).map { try file("f\($0)", noise(50, seed: UInt64($0 + 1))) }
        let before = try workspace.image([files], history: Self.lines(["RUN one"]))
        let after = try workspace.image([files + [try file("g", "g")]], history: Self.lines(["RUN two"]))
        #expect(try await compare(before, after).layers.map(\.state) == [.changed])
    }

    @Test("Packages are compared by version, with their growth")
    func packages() async throws {
        let path = "var/lib/dpkg/status"
        let before = try workspace.image([[try file(path, Self.status("curl 1 10", "libc 2 20", "old 3 5"))]])
        let after = try workspace.image([[try file(path, Self.status("curl 1.1 30", "libc 2 20", "new 4 1"))]])
        let comparison = try await compare(before, after)
        #expect(comparison.packages.map(\.name) == ["curl", "old", "new"])
        #expect(comparison.packages.map(\.word) == ["changed", "removed", "added"])
        #expect(comparison.packages.map(\.growth) == [20 << 10, -(5 << 10), 1 << 10])
        #expect(comparison.text().contains("~ curl 1 -> 1.1 (dpkg)  +20.5kB"))
    }

    @Test("One variable is one setting, and one instruction one line of history")
    func settings() async throws {
        let layers: [[Change]] = [[try file("a", "1")]]
        let before = try workspace.image(layers, history: Self.lines(["ADD a"])).configured {
            $0.environment = ["PATH=/bin", "A=1", "B=2"]
        }
        let after = try workspace.image(layers, history: Self.lines(["ADD a"])).configured {
            $0.environment = ["NEW=x", "PATH=/bin", "A=1", "B=2"]
            $0.history.append(History(created: nil, createdBy: "ENV NEW=x", isEmptyLayer: true))
        }
        let comparison = try await compare(before, after)
        #expect(comparison.difference.settings.map(\.key) == ["config.Env.NEW"])
        #expect(comparison.difference.history == [HistoryChange(isAdded: true, command: "ENV NEW=x")])
        #expect(comparison.headline.contains("1 setting differ"))
    }

    @Test("Semantically equal builds differ in times and orders only")
    func semantic() async throws {
        let before = try workspace.image([[try file("a", Array("1".utf8), mtime: 1)]], history: Self.lines(["RUN"]))
            .configured { $0.environment = ["A=1", "B=2"] }
        let after = try workspace.image([[try file("a", Array("1".utf8), mtime: 2)]], history: Self.lines(["RUN"], 2))
            .configured { $0.environment = ["B=2", "A=1"] }
        let strict = try await compare(before, after)
        #expect(!strict.isEmpty && strict.text().contains("~ 1 path with another time only"))
        #expect(strict.difference.settings.map(\.key) == ["config.Env (order)"])
        #expect(strict.text().contains("~ 1 line with another time or comment"))
        let semantic = try await compare(before, after, semantic: true)
        #expect(semantic.isEmpty && semantic.headline.contains("apart from times and orders"))
    }

    @Test("The same image has no differences, in any format")
    func same() async throws {
        let image = try workspace.image([[try file("a", "1")]])
        let comparison = try await compare(image, image)
        #expect(comparison.isEmpty && comparison.text() == "The images are the same.\n")
        #expect(comparison.json["layers"]?.array?.count == 1)
    }

    @Test("No text of an image controls a terminal or becomes markup")
    func hostile() async throws {
        let name = "x\u{1B}[2J\n<b>|\u{202E}"
        let before = try workspace.image([[try file("a", "1")]])
        let after = try workspace.image(
            [[try file("d/\(name)", "22")]], history: [History(created: nil, createdBy: name)]
        )
        .configured { $0.labels = [name: name] }
        let comparison = try await compare(before, after)
        for text in [comparison.text(), comparison.markdown] {
            #expect(!text.unicodeScalars.contains { $0 != "\n" && !$0.isVisible })
        }
        #expect(!comparison.markdown.replacing("\\<", with: "").contains("<b"))
    }

    @Test(
        "Lists are aligned at their longest common subsequence",
        arguments: [
            ("", "", ""), ("abc", "abc", "abc"), ("abc", "xaybzc", "abc"), ("abcd", "acd", "acd"), ("ab", "ba", "b"),
            ("abcbdab", "bdcaba", "bcba"),
        ])
    func subsequence(left: String, right: String, common: String) {
        let (one, other) = (Array(left), Array(right))
        let pairs = Alignment.common(one.count, other.count) { one[$0] == other[$1] }
        #expect(pairs.count == common.count)
        #expect(pairs.allSatisfy { one[$0.left] == other[$0.right] })
        let rows = Alignment.merged(pairs, left: one.count, right: other.count)
        #expect(rows.compactMap(\.left) == Array(one.indices) && rows.compactMap(\.right) == Array(other.indices))
    }
}

import Harness
import Testing

/// The check that the pages for people name what exists.
@Suite struct PageTests {
    private static let pages = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "RELEASING.md"]

    /// Returns the pages with their text.
    private static func texts() throws -> [(page: String, text: String)] {
        try (pages + Sources.files(below: "docs").filter { $0.hasSuffix(".md") }).map { ($0, try Sources.text($0)) }
    }

    @Test("Files and folders of the repository that pages name exist")
    func paths() throws {
        let all = try Sources.files(below: "Sources", "Tests", "fixtures", "docs", ".ci", ".github")
        for (page, text) in try Self.texts() {
            for match in text.matches(of: /`((?:Sources|Tests|fixtures|docs|\.ci|\.github)\/[^\s`*{}]+)`/) {
                let path = match.1.hasSuffix("/") ? match.1.dropLast() : match.1
                let exists = all.contains { $0 == path || $0.hasPrefix("\(path)/") || $0.hasPrefix("\(path).") }
                #expect(exists, "\(page) names \(path)")
            }
        }
    }

    @Test("Links between pages lead to a page")
    func links() throws {
        let all = Set(try Sources.files(below: "docs", "*.md", "LICENSE"))
        for (page, text) in try Self.texts() {
            let folder = page.split(separator: "/").dropLast()
            for match in text.matches(of: /\]\(([^)#:]+)(?:#[^)]*)?\)/) {
                var parts = folder.map(String.init)
                for part in match.1.split(separator: "/") {
                    if part == ".." { parts.removeLast() } else { parts.append(String(part)) }
                }
                let isPage = all.contains(parts.joined(separator: "/"))
                #expect(isPage, "\(page) links to \(match.1)")
            }
        }
    }

    @Test("Types and suites that pages name exist")
    func types() throws {
        var known = try Sources.types(in: ["Sources", "Tests"])
        known.formUnion(try Sources.targets())
        known.formUnion(try Program.shell("ls Tests", in: Repository.path).split(separator: "\n").map(String.init))
        for (page, text) in try Self.texts() {
            // Two or more words joined: StageBuilder. Names of other projects are not written as code.
            for match in text.matches(of: /`([A-Z]+[a-z0-9]+[A-Z]\w*)`/) {
                let isKnown = known.contains(String(match.1))
                #expect(isKnown, "\(page) names \(match.1)")
            }
        }
    }
}

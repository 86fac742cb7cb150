import Harness
import Testing

/// The check of the words of comments, messages and pages.
@Suite struct ProseTests {
    /// The pages for people.
    private static func pages() throws -> [String] {
        let roots = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "RELEASING.md"]
        return try roots + Sources.files(below: "docs").filter { $0.hasSuffix(".md") && $0 != Glossary.path }
    }

    @Test("Fewer than 15 of 1,000 comment lines begin with What, Whether, Where, How, Why or Who")
    func openings() throws {
        var (all, odd) = (0, [String]())
        for file in try Sources.files(below: "Sources") where file.hasSuffix(".swift") {
            for (number, comment) in try Sources.comments(file) {
                all += 1
                if comment.prefixMatch(of: /(What|Whether|Where|How|Why|Who)\b/) != nil {
                    odd.append("\(file):\(number): \(comment)")
                }
            }
        }
        #expect(all > 1000 && odd.count * 1000 < 15 * all, "\(odd.joined(separator: "\n"))")
    }

    @Test("No comment, message or page has a word that the glossary bans")
    func words() throws {
        let banned = try Glossary().banned.flatMap(\.code)
        #expect(banned.count >= 10)
        let pattern = try Regex("\\b(\(banned.joined(separator: "|")))\\b").ignoresCase()
        for file in try Sources.files(below: "Sources") where Sources.isCode(file) {
            let prose = try Sources.comments(file) + Sources.strings(file)
            for (number, text) in prose where text.firstMatch(of: pattern) != nil {
                Issue.record("\(file):\(number): \(text)")
            }
        }
        for page in try Self.pages() {
            for (index, line) in try Sources.text(page).split(separator: "\n", omittingEmptySubsequences: false)
                .enumerated() where line.firstMatch(of: pattern) != nil
            {
                Issue.record("\(page):\(index + 1): \(line)")
            }
        }
    }

    @Test("The glossary is sorted, every term has a meaning, and the types that it names exist")
    func glossary() throws {
        let terms = try Glossary().terms
        let names = terms.map { $0.first.replacing("`", with: "").lowercased() }
        #expect(terms.count >= 20 && names == names.sorted())
        for term in terms { #expect(term.second.count > 20, "\(term.first)") }
        let code = try Sources.files(below: "Sources").filter { $0.hasSuffix(".swift") }
            .map { try Sources.code($0).joined(separator: "\n") }.joined(separator: "\n")
        let types = Set(code.matches(of: /\b(?:struct|class|enum|actor|protocol)\s+(\w+)/).map { String($0.1) })
        for name in terms.flatMap(\.code) where name.first?.isUppercase == true {
            #expect(types.contains(name), "no type \(name)")
        }
    }

    @Test("No more functions than now have three or more parameters without a label")
    func labels() throws {
        // The goal is 1 % of all. Lower this number with every function that gets labels; never raise it.
        let most = 200
        var (all, found) = (0, [String]())
        for file in try Sources.files(below: "Sources") where file.hasSuffix(".swift") {
            for signature in Signature.all(in: try Sources.code(file)) {
                all += 1
                if signature.unlabelledCount > 2 { found.append("\(file): \(signature.name)") }
            }
        }
        #expect(all > 3000)
        #expect(found.count <= most, "\(found.count) of \(all): \(found.joined(separator: "\n"))")
    }

    @Test("Documentation comments begin with a summary of one line")
    func summaries() throws {
        #expect(try Sources.text(".swift-format").contains(#""BeginDocumentationCommentWithOneLineSummary": true"#))
    }
}

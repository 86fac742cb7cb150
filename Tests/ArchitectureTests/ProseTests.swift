import Harness
import Testing

/// The check of the words of comments, messages and pages.
@Suite struct ProseTests {
    @Test("Fewer than 15 of 1,000 comment lines begin with What, Whether, Where, How, Why or Who")
    func openings() throws {
        let swift = "--include=*.swift"
        let all = try Sources.lines(matching: "^ *//+ ?.", swift, in: ["Sources"])
        let odd = try Sources.lines(
            matching: "^ *//+ ?(What|Whether|Where|How|Why|Who)\\b", swift, in: ["Sources"])
        #expect(all.count > 1000 && odd.count * 1000 < 15 * all.count, "\(odd.joined(separator: "\n"))")
    }

    @Test("No comment, message or page has a word that the glossary bans")
    func words() throws {
        let banned = try Glossary().banned.flatMap(\.code)
        #expect(banned.count >= 10)
        let places = ["Sources", "docs", ".github", "README.md", "CONTRIBUTING.md", "SECURITY.md", "RELEASING.md"]
        let found = try Sources.lines(
            matching: banned.joined(separator: "|"), "-iw --exclude=glossary.md", in: places + ["CHANGELOG.md"])
        #expect(found.isEmpty, "\(found.joined(separator: "\n"))")
    }

    @Test("The glossary is sorted, every term has a meaning, and the types that it names exist")
    func glossary() throws {
        let terms = try Glossary().terms
        let names = terms.map { $0.first.replacing("`", with: "").lowercased() }
        #expect(terms.count >= 20 && names == names.sorted())
        let types = try Sources.types(in: ["Sources"])
        for term in terms {
            #expect(term.second.count > 20, "\(term.first)")
            for name in term.code where name.first?.isUppercase == true {
                let exists = types.contains(name)
                #expect(exists, "no type \(name)")
            }
        }
    }

    @Test("A type name is declared in one module only, apart from nested ones that say no more than their type")
    func typeNames() throws {
        let allowed: Set = ["CodingKeys", "Entry", "Key", "Kind", "Row", "State"]
        var modules: [String: Set<Substring>] = [:]
        // Init has links to files of Guest and Probe, which the pattern of files does not follow.
        for (file, name) in try Sources.declaredTypes() where !allowed.contains(name) {
            modules[name, default: []].insert(file.split(separator: "/")[1])
        }
        #expect(modules.count > 1000)
        for (name, places) in modules where places.count > 1 {
            Issue.record("\(name) is declared in \(places.sorted().joined(separator: " and "))")
        }
    }

    @Test("Less than 1 % of the functions have three or more parameters without a label")
    func labels() throws {
        var (all, found) = (0, [String]())
        for file in try Sources.files(below: "Sources") where file.hasSuffix(".swift") {
            for signature in Signature.all(in: try Sources.text(file)) {
                all += 1
                if signature.unlabelledCount > 2 { found.append("\(file): \(signature.name)") }
            }
        }
        #expect(all > 3000)
        #expect(found.count * 100 < all, "\(found.count) of \(all): \(found.joined(separator: "\n"))")
    }

    @Test("Documentation comments begin with a summary of one line")
    func summaries() throws {
        #expect(try Sources.text(".swift-format").contains(#""BeginDocumentationCommentWithOneLineSummary": true"#))
    }
}

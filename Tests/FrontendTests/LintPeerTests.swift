import FoundationEssentials
import Frontend
import Testing

@Suite("Hadolint's rules")
struct LintPeerTests {
    private struct Case: Decodable {
        let dockerfile: String
        let thaw: [String]
    }

    /// `fixtures/lint/hadolint.json` also has the findings of hadolint 2.15.1, which PeerTests compare.
    @Test("find in small files what they found when hadolint last agreed, or differed on purpose")
    func recorded() throws {
        let cases = try JSONDecoder().decode([Case].self, from: Data(try Fixtures.bytes("lint/hadolint.json")))
        #expect(cases.count > 500)
        for item in cases {
            let found: [LintFinding]
            do { found = try LintTests.findings(item.dockerfile) } catch let error as DockerfileError {
                found = Lint.findings(for: error)
            }
            let names = Set(found.flatMap(\.names)).filter { $0.hasPrefix("DL") || $0 == "SyntaxError" }
            #expect(names.sorted() == item.thaw, "\(item.dockerfile)")
        }
    }
}
